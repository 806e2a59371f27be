// A loop on the first core, plain code on the second: an event for two tasks, values of which only the newest counts,
// and a stream of bytes in each direction. One of PART_EVENT, PART_MESSAGE, PART_LATEST, PART_RECEIVED and PART_SENT
// says which part; ITEMS how many.
#include <string_view>

#include "support.hpp"

using namespace test;

namespace {

// The byte of that number in a stream; 251 is no divisor of what fits into a byte or the ring.
[[maybe_unused]] char byte_of(std::uint32_t number) { return static_cast<char>(number % 251); }

#if defined(PART_EVENT)
constexpr const char* part = "events for two tasks, each of which had all";

rouse::ThreadSafeEvent event;

[[noreturn]] void second() {
    for (std::uint32_t number = 1; number <= items; ++number) {
        await_sleep(number);
        event.set();
        await_answer(number, "an event without an answer");
        linger(number);
    }
    rest();
}

rouse::Barrier both{2};
std::uint32_t roused = 0;

// The one that goes on last clears the event and answers; then both wait again.
rouse::Task<> waiter() {
    for (std::uint32_t number = 1; number <= items; ++number) {
        co_await event.wait();
        if (++roused == 2 * number) {
            event.clear();
            answered.store(number, std::memory_order_release);
        }
        co_await both.wait();
    }
}

rouse::Task<int> first() {
    auto other = rouse::create_task(waiter());
    co_await waiter();
    co_await other;
    co_return 0;
}

#elif defined(PART_MESSAGE) || defined(PART_LATEST)
// One that is written while it is read does not fit together.
struct Reading {
    std::uint32_t words[4] = {};
};

#if defined(PART_MESSAGE)
constexpr const char* part = "messages, each whole and newer than the one before";
rouse::Message<Reading, 1> values;
void give(std::uint32_t number) {
    if (!values.set({{number, ~number, number * 3, number + 7}})) fail("a message is refused", number, 0);
}
#else
constexpr const char* part = "values, each whole and newer than the one before";
rouse::Latest<Reading> values;
void give(std::uint32_t number) { values.publish({{number, ~number, number * 3, number + 7}}); }
#endif

[[noreturn]] void second() {
    for (std::uint32_t number = 1; number <= items; ++number) {
        await_sleep(number);
        give(number);
        if (number % 8 == 0) linger(number);
    }
    rest();
}

rouse::Task<int> first() {
    for (std::uint32_t last = 0; last < items;) {
        const Reading value = co_await values.next();
        const std::uint32_t number = value.words[0];
        if (value.words[1] != ~number || value.words[2] != number * 3 || value.words[3] != number + 7)
            fail("a value is torn", number, value.words[1]);
        if (number <= last) fail("a value is not newer than the one before", last, number);
        last = number;
    }
    co_return 0;
}

#elif defined(PART_RECEIVED)
constexpr const char* part = "bytes to the loop, in order or counted as lost";

rouse::RingIO<16> stream;

[[noreturn]] void second() {
    for (std::uint32_t number = 0; number < items; ++number) {
        await_sleep(number);
        (void)stream.received(byte_of(number));
        linger(number);
    }
    stream.close();
    rest();
}

rouse::Task<int> first() {
    std::uint32_t number = 0, lost = 0;
    for (;;) {
        char bytes[8];
        const std::size_t count = co_await stream.read(bytes);
        for (std::size_t i = 0; i < count; ++i, ++number)
            if (bytes[i] != byte_of(number)) fail("the wrong byte", number, static_cast<unsigned char>(bytes[i]));
        if (count > 0) continue;
        const std::uint32_t gap = stream.lost();
        if (gap == 0) break;
        number += gap;
        lost += gap;
    }
    if (number != items) fail("bytes are missing", items, number);
    if (lost == items) fail("all bytes are lost", items, lost);
    co_return 0;
}

#else
constexpr const char* part = "bytes from the loop, in order";

// The transmitter's interrupt, if the second core had one: it is on.
std::atomic<bool> enabled{false};
void enable() { enabled.store(true, std::memory_order_release); }

rouse::RingIO<16, enable> stream;

[[noreturn]] void second() {
    for (std::uint32_t number = 0; number < items; ++number) {
        await_sleep(number);
        std::uint32_t tries = 0;
        for (;;) {
            if (++tries == patience) fail("no byte has come", number, 0);
            if (!enabled.load(std::memory_order_acquire)) continue;
            // Off before the look, as the loop may start it again behind that.
            enabled.store(false, std::memory_order_relaxed);
            const auto byte = stream.next_to_send();
            if (!byte) continue;
            enabled.store(true, std::memory_order_relaxed);
            if (*byte != byte_of(number)) fail("the wrong byte", number, static_cast<unsigned char>(*byte));
            break;
        }
        if (number % 8 == 0) linger(number);
    }
    while (stream.next_to_send()) fail("a byte too many", items, 0);
    rest();
}

// In pieces of 1 to 24 bytes, each third one drained.
rouse::Task<int> first() {
    std::uint32_t number = 0;
    for (std::uint32_t piece = 0; number < items; ++piece) {
        char bytes[24];
        std::size_t count = 0;
        while (count <= piece % 24 && number < items) bytes[count++] = byte_of(number++);
        const bool accepted = co_await stream.write(std::string_view{bytes, count});
        if (!accepted) fail("bytes are refused", number, 0);
        if (piece % 3 == 0) co_await stream.drain();
    }
    co_await stream.drain();
    co_return 0;
}
#endif

} // namespace

int main() { return run_part(part, first, second); }
