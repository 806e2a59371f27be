#include <rouse/threadsafe/slot_queue.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#if ROUSE_HOSTED
#include <thread>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

using Buffer = std::array<unsigned, 64>;

bool all_are(const Buffer& buffer, unsigned n) {
    for (const unsigned each : buffer) {
        if (each != n) return false;
    }
    return true;
}

template <std::size_t N>
bool put(SlotQueue<int, N>& queue, int value) {
    int* const slot = queue.reserve();
    if (slot == nullptr) return false;
    *slot = value;
    return queue.commit();
}

template <std::size_t N>
std::optional<int> get(SlotQueue<int, N>& queue) {
    const int* const slot = queue.peek();
    if (slot == nullptr) return std::nullopt;
    const int value = *slot;
    queue.release();
    return value;
}

Task<> read_all(SlotQueue<int, 2>& queue, Log& log) {
    while (const int* const slot = co_await queue.next_filled()) {
        log(*slot);
        queue.release();
    }
    log("end");
}

Task<> write_some(SlotQueue<int, 2>& queue, Log& log, int count) {
    for (int n = 1; n <= count; ++n) {
        int* const slot = co_await queue.next_free();
        if (slot == nullptr) {
            log("refused");
            co_return;
        }
        *slot = n;
        queue.commit();
    }
    log("written");
}

constinit SlotQueue<Buffer, 3> global;

} // namespace

TEST_CASE("all slots can be filled, and come in the order in which they were committed, lap after lap") {
    SlotQueue<int, 3> queue;
    CHECK(queue.capacity() == 3);
    int next = 0;
    for (int lap = 0; lap < 5; ++lap) {
        CHECK(put(queue, next));
        CHECK(put(queue, next + 1));
        CHECK(put(queue, next + 2));
        CHECK(queue.size() == 3);
        CHECK(queue.reserve() == nullptr);
        CHECK(get(queue) == next);
        CHECK(get(queue) == next + 1);
        CHECK(put(queue, next + 3)); // so that laps begin in different slots
        CHECK(get(queue) == next + 2);
        CHECK(get(queue) == next + 3);
        CHECK(!get(queue));
        CHECK(queue.size() == 0);
        next += 4;
    }
}

TEST_CASE("nothing is copied: a slot is the same object for both sides, until it is handed over") {
    struct Pinned {
        explicit Pinned() = default;
        Pinned(const Pinned&) = delete;
        Pinned& operator=(const Pinned&) = delete;
        int number = 7;
    };
    SlotQueue<Pinned, 2> queue;
    Pinned* const slot = queue.reserve();
    REQUIRE(slot != nullptr);
    CHECK(slot->number == 7);
    CHECK(queue.reserve() == slot);
    CHECK(queue.peek() == nullptr); // not before it is committed
    slot->number = 8;
    CHECK(queue.commit());
    CHECK(queue.peek() == slot);
    CHECK(queue.peek() == slot);
    CHECK(queue.reserve() != slot);
    queue.release();
    CHECK(queue.peek() == nullptr);
    CHECK(queue.reserve() != slot);
    CHECK(queue.commit());
    CHECK(queue.reserve() == slot);
    CHECK(slot->number == 8); // what was left there
}

TEST_CASE("reserve looks ahead, for a controller that must know the next buffer") {
    SlotQueue<int, 3> queue;
    int* const first = queue.reserve();
    int* const second = queue.reserve(1);
    int* const third = queue.reserve(2);
    REQUIRE(third != nullptr);
    CHECK(first != second);
    CHECK(second != third);
    CHECK(queue.reserve(3) == nullptr); // never
    CHECK(queue.reserve(static_cast<std::size_t>(-1)) == nullptr);
    CHECK(queue.commit());
    CHECK(queue.reserve() == second);
    CHECK(queue.reserve(1) == third);
    CHECK(queue.reserve(2) == nullptr); // it is filled
    CHECK(queue.commit());
    CHECK(queue.peek() == first);
    queue.release();
    CHECK(queue.reserve(1) == first);
}

TEST_CASE("a queue of one slot is filled and emptied in turns") {
    SlotQueue<int, 1> queue;
    for (int n = 0; n < 5; ++n) {
        CHECK(put(queue, n));
        CHECK(!put(queue, n));
        CHECK(get(queue) == n);
        CHECK(!get(queue));
    }
}

TEST_CASE("tasks at both ends wait for each other, and the order is kept") {
    SlotQueue<int, 2> queue;
    Log log;
    auto main = [&]() -> Task<> {
        auto reader = create_task(read_all(queue, log));
        auto writer = create_task(write_some(queue, log, 5));
        co_await writer;
        queue.close();
        co_await reader;
    };
    run_virtual(main());
    CHECK(log == "1 2 3 4 written 5 end");
}

TEST_CASE("close refuses the commit and keeps the slot, wakes both sides, and what was committed is read") {
    SlotQueue<int, 2> full, empty;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(put(full, 1));
        CHECK(put(full, 2));
        auto writer = create_task(write_some(full, log, 1));
        auto reader = create_task(read_all(empty, log));
        int* const slot = empty.reserve();
        co_await sleep(1s);
        CHECK(log == "");
        full.close();
        empty.close();
        CHECK(full.closed());
        CHECK(!full.drained());
        CHECK(empty.drained());
        *slot = 3;
        CHECK(!empty.commit());
        CHECK(empty.reserve() == nullptr);
        CHECK(empty.peek() == nullptr);
        co_await gather(writer, reader);
        CHECK(log == "refused end");
        co_await read_all(full, log);
        CHECK(full.drained());
    };
    run_virtual(main());
    CHECK(log == "refused end 1 2 end");
}

TEST_CASE("a cancelled or late wait takes nothing") {
    SlotQueue<int, 1> queue;
    auto main = [&]() -> Task<> {
        auto waits = [](SlotQueue<int, 1>& q) -> Task<> { co_await q.next_filled(); };
        auto handle = create_task(waits(queue));
        co_await yield();
        CHECK(put(queue, 4));
        CHECK(handle.cancel()); // it has been woken
        co_await handle.outcome();
        CHECK(handle.cancelled());
        const auto late = co_await try_wait_for(queue.next_free(), 1s);
        CHECK(late.timed_out());
        const auto in_time = co_await try_wait_for(queue.next_filled(), 1s);
        REQUIRE(in_time.has_value());
        CHECK(*in_time.value() == 4);
        CHECK(queue.size() == 1); // only release() takes it
        const auto first = co_await select(queue.next_free(), queue.next_filled());
        CHECK(first.index() == 1);
    };
    run_virtual(main());
}

TEST_CASE("a task begins a transfer, and what ends it commits") {
    SlotQueue<Buffer, 2> queue;
    Buffer* in_transfer = nullptr;
    ThreadSafeFlag begun;
    auto begins = [&]() -> Task<> {
        while (Buffer* const slot = co_await queue.next_free()) {
            in_transfer = slot;
            begun.set();
            while (in_transfer != nullptr) co_await sleep(1ms);
        }
    };
    auto ends = [&]() -> Task<> { // an interrupt, in a program
        for (unsigned n = 1; n <= 10; ++n) {
            co_await begun.wait();
            in_transfer->fill(n);
            CHECK(queue.commit());
            in_transfer = nullptr;
        }
    };
    auto main = [&]() -> Task<> {
        auto first = create_task(begins());
        auto second = create_task(ends());
        for (unsigned n = 1; n <= 10; ++n) {
            const Buffer* const slot = co_await queue.next_filled();
            CHECK(all_are(*slot, n));
            co_await sleep(3ms);
            queue.release();
        }
        co_await second;
        first.cancel();
        co_await first.outcome();
    };
    run_virtual(main());
}

TEST_CASE("a second task at one end of a SlotQueue is a clear error") {
    auto readers = []() -> Task<> {
        SlotQueue<int, 1> queue;
        auto waits = [](SlotQueue<int, 1>& q) -> Task<> { co_await q.next_filled(); };
        create_task(waits(queue));
        co_await yield();
        co_await queue.next_filled();
    };
    CHECK(contains(misuse_of([&] { run_virtual(readers()); }), "rouse: SlotQueue: a second consumer"));
    auto writers = []() -> Task<> {
        SlotQueue<int, 1> queue;
        CHECK(queue.commit());
        auto waits = [](SlotQueue<int, 1>& q) -> Task<> { co_await q.next_free(); };
        create_task(waits(queue));
        co_await yield();
        co_await queue.next_free();
    };
    CHECK(contains(misuse_of([&] { run_virtual(writers()); }), "rouse: SlotQueue: a second producer"));
}

TEST_CASE("a commit without a free slot and a release without a filled one change nothing, and are errors if checked") {
    SlotQueue<int, 1> queue;
#if ROUSE_CHECKED
    CHECK(contains(misuse_of([&] { queue.release(); }), "rouse: SlotQueue::release: no slot is filled"));
#else
    queue.release();
#endif
    CHECK(queue.size() == 0);
    CHECK(put(queue, 1));
#if ROUSE_CHECKED
    CHECK(contains(misuse_of([&] { queue.commit(); }), "rouse: SlotQueue::commit: no slot is free"));
#else
    CHECK(!queue.commit());
#endif
    CHECK(queue.size() == 1);
    CHECK(get(queue) == 1);
}

TEST_CASE("a SlotQueue destroyed while a task waits leaves it waiting until it is cancelled") {
    auto main = []() -> Task<> {
        Log log;
        TaskHandle<> waiting;
        {
            SlotQueue<int, 2> queue;
            waiting = create_task(read_all(queue, log));
            co_await yield();
        }
        co_await sleep(1s);
        CHECK(!waiting.done());
        waiting.cancel();
        co_await waiting.outcome();
        CHECK(waiting.cancelled());
    };
    run_virtual(main());
}

#if ROUSE_HOSTED // threads
TEST_CASE("buffers filled by a thread are read by a task, whole and in order") {
    constexpr unsigned count = 30'000;
    SlotQueue<Buffer, 3> queue;
    std::thread producer{[&] {
        for (unsigned n = 1; n <= count;) {
            Buffer* const slot = queue.reserve();
            if (slot == nullptr) {
                std::this_thread::yield();
                continue;
            }
            slot->fill(n++);
            if (!queue.commit()) break;
        }
        queue.close();
    }};
    unsigned next = 1, wrong = 0;
    auto main = [&]() -> Task<> {
        while (const Buffer* const slot = co_await queue.next_filled()) {
            wrong += !all_are(*slot, next++);
            queue.release();
        }
    };
    run(main());
    producer.join();
    CHECK(wrong == 0);
    CHECK(next == count + 1);
}

TEST_CASE("buffers filled by a task are read by a thread, whole and in order") {
    constexpr unsigned count = 30'000;
    SlotQueue<Buffer, 2> queue;
    unsigned next = 1, wrong = 0;
    std::thread consumer{[&] {
        while (!queue.drained()) {
            const Buffer* const slot = queue.peek();
            if (slot == nullptr) {
                std::this_thread::yield();
                continue;
            }
            wrong += !all_are(*slot, next++);
            queue.release();
        }
    }};
    auto main = [&]() -> Task<> {
        for (unsigned n = 1; n <= count; ++n) {
            Buffer* const slot = co_await queue.next_free();
            slot->fill(n);
            queue.commit();
        }
        queue.close();
    };
    run(main());
    consumer.join();
    CHECK(wrong == 0);
    CHECK(next == count + 1);
}
#endif

TEST_CASE("a signal handler fills slots, wherever it comes, and none is lost or mixed") {
    static std::atomic<unsigned> filled{0}, handled{0};
    SignalTimer timer{[](int) {
        handled = handled + 1;
        Buffer* const slot = global.reserve();
        if (slot == nullptr) return;
        filled = filled + 1;
        slot->fill(filled);
        global.commit();
    }};
    unsigned next = 1, wrong = 0;
    for (int round = 0; round < 2'000; ++round) {
        const unsigned before = handled;
        timer.arm(1'000 + round * 7 % 3'000);
        while (handled == before) {
            const Buffer* const slot = global.peek();
            if (slot == nullptr) continue;
            wrong += !all_are(*slot, next++);
            global.release();
        }
    }
    while (const Buffer* const slot = global.peek()) {
        wrong += !all_are(*slot, next++);
        global.release();
    }
    CHECK(wrong == 0);
    CHECK(next == filled + 1);
}
