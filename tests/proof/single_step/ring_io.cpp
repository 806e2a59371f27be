// RingIO: received(), next_to_send() and close() at every instruction of each state of the tasks that read and write.
#include <atomic>
#include <string_view>

#include <rouse/threadsafe/ring_io.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

// ---- received -------------------------------------------------------------------------------------------------------
std::atomic<int> offered{0}; // the bytes are their numbers
bool lost[64] = {};          // those that were not taken
int next_read = 0;           // the number of the next byte that the reader gets
unsigned told = 0;           // of how many bytes lost() has told
bool ended = false;          // the reader has come to the end

std::atomic<bool> transmitting{false};
void start() { transmitting = true; }
RingIO<3, start> io;

void receive() {
    lost[offered] = !io.received(static_cast<char>(offered));
    ++offered;
}
void close() { io.close(); }
void take(std::string_view bytes) {
    for (const char byte : bytes) {
        check(next_read < offered && !lost[next_read] && byte == static_cast<char>(next_read),
              "the bytes are not the ones that came, in their order");
        ++next_read;
    }
}

// Reads until something has come, or a gap was told of, or the end has come.
Task<> read() {
    char bytes[3];
    const std::size_t count = co_await io.read(bytes);
    if (count > 0) {
        take({bytes, count});
        co_return;
    }
    const unsigned missing = io.lost();
    told += missing;
    for (unsigned i = 0; i < missing; ++i, ++next_read)
        check(next_read < offered && lost[next_read], "a byte is said to be lost that is not");
    ended = missing == 0;
    check(!ended || io.closed(), "the stream ends though it was not closed");
}

Task<> settle() {
    step::finish();
    while (next_read < offered && !ended) co_await read();
    if (io.closed()) {
        while (!ended) co_await read();
    } else {
        char byte[1];
        const auto none = co_await try_wait_for(io.read(byte), 1ms);
        check(none.timed_out(), "a byte that nobody sent");
        check(next_read == offered, "a byte too many or too few");
    }
    co_await step::quiet();
}

Task<> read_begins() {
    auto wait = read();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> full_when_read() {
    for (int i = 0; i < 3; ++i) receive();
    auto wait = read();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> gap_when_read() {
    for (int i = 0; i < 5; ++i) receive();
    step::begin();
    co_await read();
    co_await read();
    step::end();
    check(told >= 2, "nothing is said of a gap");
    co_await settle();
}
Task<> roused() {
    world->port.at_sleep([] {
        receive();
        step::begin();
    });
    co_await read();
    step::end();
    co_await settle();
}
Task<> read_cancelled() {
    char bytes[2];
    const auto reader = create_task(io.readexactly(bytes));
    co_await yield();
    receive();
    step::begin();
    reader.cancel();
    const auto outcome = co_await reader.outcome();
    step::end();
    check(outcome.cancelled(), "not cancelled");
    co_await settle();
}

// ---- sent -----------------------------------------------------------------------------------------------------------
std::atomic<int> next_sent{0};

// As a transmitter's interrupt: comes only while it is enabled. Disabled before it asks for a byte, since the writer
// may start it again as soon as there is none.
void transmit() {
    if (!transmitting) return;
    transmitting = false;
    const auto byte = io.next_to_send();
    if (!byte) return;
    transmitting = true;
    check(*byte == static_cast<char>('a' + next_sent), "the bytes sent are not the ones written, in their order");
    ++next_sent;
}
void transmit_all() {
    while (transmitting) transmit();
}

constexpr std::string_view text = "abcdefg";
int written = 0;

Task<> write(int count) {
    const bool all = co_await io.write(text.substr(static_cast<std::size_t>(written), static_cast<std::size_t>(count)));
    check(all, "refused though it is open");
    written += count;
}

// Interrupts come from now on whenever the loop has nothing to do.
Task<> transmitter() {
    for (;;) {
        transmit_all();
        co_await sleep(1ms);
    }
}
Task<> all_goes_out() {
    step::finish();
    const auto sender = create_task(transmitter());
    co_await write(static_cast<int>(text.size()) - written);
    co_await io.drain();
    check(next_sent == static_cast<int>(text.size()), "a byte was written and not sent");
    check(!transmitting, "the transmitter is not idle behind drain()");
    sender.cancel();
    co_await sender.outcome();
    co_await step::quiet();
}
Task<> write_begins() {
    step::begin();
    co_await write(2);
    step::end();
    co_await all_goes_out();
}
Task<> write_has_no_room() {
    co_await write(3);
    step::begin();
    co_await write(2);
    step::end();
    co_await all_goes_out();
}
Task<> drain() {
    co_await write(3);
    step::begin();
    co_await io.drain();
    step::end();
    check(next_sent == 3, "drain() returned though not all was sent");
    co_await all_goes_out();
}

// The other way round: a transmitter that is interrupted by the loop, whose task writes.
bool all_sent = false;
void turn() { world->poll(); }
void transmit_while_written() {
    static_cast<void>(world->loop->create_task(write(1)));
    world->poll();
    static_cast<void>(world->loop->create_task(write(1)));
    step::begin();
    transmit_all();
    step::end();
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        if (written < 2) co_await sleep(1ms); // the task that was not polled meanwhile
        transmit_all();
        co_await io.drain();
        check(next_sent == 2, "a byte was written and not sent");
        all_sent = true;
    }()));
    world->host_until(all_sent);
}

const bool added = [] {
    step::Add{{"ring_io", "a read begins", "a byte", step::in_run<read_begins>, receive}};
    step::Add{{"ring_io", "a read begins", "close", step::in_run<read_begins>, close}};
    step::Add{{"ring_io", "a read begins", "a byte, then close", step::in_run<read_begins>, receive, close}};
    step::Add{{"ring_io", "what is full is read", "a byte", step::in_run<full_when_read>, receive}};
    step::Add{
        {"ring_io", "what is full is read", "a byte, then a byte", step::in_run<full_when_read>, receive, receive}};
    step::Add{{"ring_io", "a gap is read", "a byte", step::in_run<gap_when_read>, receive}};
    step::Add{{"ring_io", "a gap is read", "close", step::in_run<gap_when_read>, close}};
    step::Add{{"ring_io", "a byte in sleep, the reader is resumed", "a byte", step::in_run<roused>, receive}};
    step::Add{{"ring_io", "the read is cancelled", "a byte", step::in_run<read_cancelled>, receive}};
    step::Add{{"ring_io", "a write", "the next byte is sent", step::in_run<write_begins>, transmit}};
    step::Add{{"ring_io", "a write", "all is sent", step::in_run<write_begins>, transmit_all}};
    step::Add{{"ring_io", "a write without room", "all is sent", step::in_run<write_has_no_room>, transmit_all}};
    step::Add{{"ring_io", "drain()", "all is sent", step::in_run<drain>, transmit_all}};
    step::Add{{"ring_io", "bytes are sent", "turns of the loop", step::by_host<transmit_while_written>, turn}};
    return true;
}();

} // namespace
