#include <rouse/threadsafe/thread_safe_queue.hpp>

#include <rouse/threadsafe/thread_safe_flag.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <tuple>

#include "support/catch.hpp"
#include "support/counting_port.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

template <class Queue>
Task<> take_into(Queue& queue, Log& log) {
    while (auto item = co_await queue.next()) log(*item);
    log("end");
}

} // namespace

// ---- what it holds ----

TEST_CASE("a queue with its own storage holds N, one in a buffer of M holds M-1") {
    ThreadSafeQueue<int, 3> own;
    CHECK(own.capacity() == 3);
    for (int i = 0; i < 3; ++i) CHECK(own.put_sync(i));
    CHECK(own.full());
    CHECK(!own.put_sync(3));

    std::array<int, 3> buffer{};
    ThreadSafeQueue<int> lent{buffer};
    CHECK(lent.capacity() == 2);
    CHECK(lent.put_sync(1));
    CHECK(lent.put_sync(2));
    CHECK(!lent.put_sync(3));
    CHECK(lent.qsize() == 2);
}

TEST_CASE("items come out in the order in which they went in, round the ring many times") {
    ThreadSafeQueue<int, 4> queue;
    int put = 0, got = 0;
    for (int round = 0; round < 100; ++round) {
        while (queue.put_sync(put)) ++put;
        CHECK(queue.size() == 4);
        CHECK(queue.qsize() == 4);
        for (int n = round % 4; n >= 0; --n) {
            const auto item = queue.get_sync();
            REQUIRE(item == got);
            ++got;
        }
    }
    while (const auto item = queue.get_sync()) REQUIRE(*item == got++);
    CHECK(got == put);
    CHECK(queue.empty());
}

TEST_CASE("a refused value is not moved from") {
    ThreadSafeQueue<std::unique_ptr<int>, 1> queue;
    auto first = std::make_unique<int>(1), second = std::make_unique<int>(2);
    CHECK(queue.put_sync(std::move(first)));
    CHECK(first == nullptr);
    CHECK(!queue.put_sync(std::move(second)));
    CHECK(second != nullptr);
#if ROUSE_HOSTED
    CHECK(!queue.put_sync(std::move(second), 1ms));
#endif
    CHECK(second != nullptr);
    queue.close();
#if ROUSE_HOSTED
    CHECK(!queue.put_sync(std::move(second), block));
#endif
    CHECK(second != nullptr);
    auto main = [&]() -> Task<> {
        const bool accepted = co_await queue.put(std::move(second));
        CHECK(!accepted);
        CHECK(second != nullptr);
    };
    run_virtual(main());
}

TEST_CASE("items live as long as they are queued, and those left are destroyed with the queue") {
    auto counted = std::make_shared<int>(0);
    {
        ThreadSafeQueue<std::shared_ptr<int>, 5> queue;
        for (int i = 0; i < 4; ++i) CHECK(queue.put_sync(counted));
        CHECK(counted.use_count() == 5);
        CHECK(queue.get_sync().has_value());
        CHECK(counted.use_count() == 4);
    }
    CHECK(counted.use_count() == 1);
}

TEST_CASE("a buffer with room for fewer than two items is a clear error") {
    CHECK(contains(misuse_of([] { ThreadSafeQueue<int> queue{std::span<int>{}}; }), "ThreadSafeQueue: the buffer"));
    std::array<int, 1> one{};
    CHECK(contains(misuse_of([&] { ThreadSafeQueue<int> queue{one}; }), "ThreadSafeQueue: the buffer"));
}

// ---- tasks at both ends ----

TEST_CASE("tasks at both ends: put waits for room, get for an item") {
    ThreadSafeQueue<int, 2> queue;
    Log log;
    auto producer = [&]() -> Task<> {
        for (int i = 0; i < 5; ++i) {
            const bool accepted = co_await queue.put(i);
            CHECK(accepted);
        }
        log("put-all");
        queue.close();
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(producer());
        co_await sleep(1s);
        CHECK(queue.full());
        co_await take_into(queue, log);
        co_await handle;
    };
    run_virtual(main());
    CHECK(contains(log, "0 1 2"));
    CHECK(contains(log, "put-all"));
    CHECK(contains(log, "end"));
}

TEST_CASE("a cancelled get leaves the item in the queue") {
    ThreadSafeQueue<int, 2> queue;
    auto main = [&]() -> Task<> {
        auto getter = create_task([](auto& q) -> Task<int> { co_return co_await q.get(); }(queue));
        co_await yield();
        CHECK(queue.put_sync(7)); // wakes the getter
        CHECK(getter.cancel());
        co_await getter.outcome();
        CHECK(getter.cancelled());
        CHECK(queue.qsize() == 1);
        const int item = co_await queue.get();
        CHECK(item == 7);
    };
    run_virtual(main());
}

TEST_CASE("a cancelled put leaves the value with the caller") {
    ThreadSafeQueue<std::unique_ptr<int>, 1> queue;
    auto value = std::make_unique<int>(2);
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(std::make_unique<int>(1)));
        auto putter =
            create_task([](auto& q, auto& v) -> Task<> { std::ignore = co_await q.put(std::move(v)); }(queue, value));
        co_await yield();
        CHECK(queue.get_sync().has_value()); // wakes the putter
        CHECK(putter.cancel());
        co_await putter.outcome();
        CHECK(putter.cancelled());
        CHECK(queue.empty());
    };
    run_virtual(main());
    CHECK(value != nullptr);
}

TEST_CASE("another task can get as soon as the first has been cancelled") {
    ThreadSafeQueue<int, 2> queue;
    auto main = [&]() -> Task<> {
        auto take = [](auto& q) -> Task<int> { co_return co_await q.get(); };
        auto first = create_task(take(queue));
        co_await yield();
        first.cancel();
        auto second = create_task(take(queue));
        co_await yield();
        CHECK(queue.put_sync(1));
        const int item = co_await second;
        CHECK(item == 1);
    };
    run_virtual(main());
}

TEST_CASE("a second task that gets, or puts, is a clear error") {
    auto gets = []() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(queue));
        co_await yield();
        (void)co_await queue.next();
    };
    CHECK(contains(misuse_of([&] { run_virtual(gets()); }), "ThreadSafeQueue: a second consumer"));
    auto puts = []() -> Task<> {
        ThreadSafeQueue<int, 1> queue;
        CHECK(queue.put_sync(1));
        create_task([](auto& q) -> Task<> { std::ignore = co_await q.put(2); }(queue));
        co_await yield();
        std::ignore = co_await queue.put(3);
    };
    CHECK(contains(misuse_of([&] { run_virtual(puts()); }), "ThreadSafeQueue: a second producer"));
}

TEST_CASE("an item taken before the task that was roused for it is ready: the task goes on waiting") {
    auto main = []() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        auto getter = create_task([](auto& q) -> Task<int> { co_return co_await q.get(); }(queue));
        co_await yield();
        CHECK(queue.put_sync(1));
        CHECK(queue.get_sync() == 1);
        co_await sleep(1s);
        CHECK(!getter.done());
        CHECK(queue.put_sync(2));
        const int item = co_await getter;
        CHECK(item == 2);
    };
    run_virtual(main());
}

TEST_CASE("an item taken from under a task that is ready for it is a clear error") {
    auto main = []() -> Task<> {
        ThreadSafeFlag flag;
        ThreadSafeQueue<int, 2> queue;
        create_task([](auto& f, auto& q) -> Task<> {
            co_await f.wait();
            (void)q.get_sync();
        }(flag, queue));
        auto getter = create_task([](auto& q) -> Task<int> { co_return co_await q.get(); }(queue));
        co_await yield();
        flag.set(); // both arrive together; the thief runs first
        CHECK(queue.put_sync(1));
        co_await getter;
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "a second consumer"));
}

TEST_CASE("a queue that goes while a task is ready to get from it is closed for that task") {
    auto main = []() -> Task<> {
        ThreadSafeFlag flag;
        auto queue = std::make_unique<ThreadSafeQueue<int, 2>>();
        create_task([](auto& f, auto& q) -> Task<> {
            co_await f.wait();
            q.reset();
        }(flag, queue));
        auto getter = create_task([](auto& q) -> Task<bool> {
            const auto item = co_await q.next();
            co_return item.has_value();
        }(*queue));
        co_await yield();
        flag.set();
        CHECK(queue->put_sync(1));
        const bool got = co_await getter;
        CHECK(!got);
    };
    run_virtual(main());
}

TEST_CASE("a cancellation that waits for an arrival takes place although the queue goes first") {
    auto main = []() -> Task<> {
        TaskHandle<> getter;
        {
            ThreadSafeQueue<int, 2> queue;
            getter = create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(queue));
            co_await yield();
            CHECK(queue.put_sync(1)); // on its way to the inbox
            CHECK(getter.cancel());
        }
        co_await getter.outcome();
        CHECK(getter.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("a ThreadSafeQueue that goes while tasks wait leaves them waiting until they are cancelled") {
    auto main = []() -> Task<> {
        TaskHandle<> getter, putter, woken;
        {
            ThreadSafeQueue<int, 1> a, b, c;
            CHECK(b.put_sync(1));
            getter = create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(a));
            putter = create_task([](auto& q) -> Task<> { std::ignore = co_await q.put(1); }(b));
            woken = create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(c));
            co_await yield();
        }
        co_await sleep(1s);
        for (auto* handle : {&getter, &putter, &woken}) {
            CHECK(!handle->done());
            CHECK(handle->cancel());
            co_await handle->outcome();
            CHECK(handle->cancelled());
        }
    };
    run_virtual(main());
}

// ---- closing ----

TEST_CASE("close wakes who gets and who puts; what was accepted can still be got") {
    ThreadSafeQueue<int, 1> queue, empty;
    Log log;
    auto getter = [&]() -> Task<> {
        const auto item = co_await empty.next();
        log(item ? "item" : "closed");
    };
    auto putter = [&]() -> Task<> {
        const bool accepted = co_await queue.put(2);
        log(accepted ? "accepted" : "refused");
    };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        auto a = create_task(getter()), b = create_task(putter());
        co_await yield();
        empty.close();
        queue.close();
        co_await a;
        co_await b;
        CHECK(queue.closed());
        CHECK(!queue.put_sync(3));
        const auto first = co_await queue.next();
        CHECK(first == 1);
        const auto second = co_await queue.next();
        CHECK(!second);
        queue.close(); // again
    };
    run_virtual(main());
#if ROUSE_HOSTED
    CHECK(!queue.get_sync(block));
    CHECK(!queue.put_sync(1, block));
#endif
    CHECK(log == "closed refused");
}

#if ROUSE_EXCEPTIONS
TEST_CASE("an item whose move throws while it is taken stays the oldest in the queue") {
    REQUIRE(MoveThrows::alive == 0);
    const auto check = [](auto& queue) {
        CHECK(queue.put_sync(MoveThrows{1}));
        CHECK(queue.put_sync(MoveThrows{2}));
        MoveThrows::throws_at = 1;
        CHECK_THROWS_AS(queue.get_sync(), int);
        CHECK(queue.size() == 2);
        CHECK(queue.full());
        run_virtual([](auto& items) -> Task<> {
            bool thrown = false;
            MoveThrows::throws_at = 1;
            try {
                const MoveThrows item = co_await items.get();
            } catch (int) {
                thrown = true;
            }
            CHECK(thrown);
            thrown = false;
            MoveThrows::throws_at = 1;
            try {
                const auto item = co_await items.next();
            } catch (int) {
                thrown = true;
            }
            CHECK(thrown);
            MoveThrows::throws_at = 2; // there is no second move
            const MoveThrows first = co_await items.get();
            CHECK(first.number == 1);
            MoveThrows::throws_at = 2;
            const auto second = co_await items.next();
            CHECK(second->number == 2);
            MoveThrows::throws_at = 0;
        }(queue));
        CHECK(queue.empty());
    };
    {
        ThreadSafeQueue<MoveThrows, 2> queue;
        check(queue);
        std::array<MoveThrows, 3> buffer{MoveThrows{0}, MoveThrows{0}, MoveThrows{0}};
        ThreadSafeQueue<MoveThrows> in_buffer{buffer};
        check(in_buffer);
    }
    CHECK(MoveThrows::alive == 0);
}

TEST_CASE("get throws QueueClosed once the queue is closed and drained") {
    ThreadSafeQueue<int, 2> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        queue.close();
        const int item = co_await queue.get();
        CHECK(item == 1);
        bool thrown = false;
        try {
            (void)co_await queue.get();
        } catch (const QueueClosed&) {
            thrown = true;
        }
        CHECK(thrown);
    };
    run_virtual(main());
}
#else
TEST_CASE("without exceptions get of a closed and drained queue is a panic that names next") {
    auto main = []() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        queue.close();
        (void)co_await queue.get();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "use next()"));
}
#endif

// ---- threads ----

#if ROUSE_HOSTED // threads
TEST_CASE("a blocking call on the thread of a running loop is a clear error") {
    auto gets = []() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        (void)queue.get_sync(block);
        co_return;
    };
    auto puts = []() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        (void)queue.put_sync(1, 1s);
        co_return;
    };
    CHECK(contains(misuse_of([&] { run_virtual(gets()); }), "get_sync: would block the loop"));
    CHECK(contains(misuse_of([&] { run_virtual(puts()); }), "put_sync: would block the loop"));
}

TEST_CASE("timed calls give up when the time is up, and not before") {
    ThreadSafeQueue<int, 1> queue;
    using Steady = std::chrono::steady_clock;
    auto start = Steady::now();
    CHECK(!queue.get_sync(20ms));
    CHECK(Steady::now() - start >= 20ms);
    CHECK(!queue.get_sync(0ms));
    CHECK(!queue.get_sync(-1s));
    CHECK(queue.put_sync(1, 0ms));
    start = Steady::now();
    CHECK(!queue.put_sync(2, 20ms));
    CHECK(Steady::now() - start >= 20ms);
    CHECK(queue.get_sync(1h) == 1);
}

TEST_CASE("close ends the blocked calls of both threads") {
    ThreadSafeQueue<int, 1> full, empty;
    CHECK(full.put_sync(1));
    std::atomic<int> ended{0};
    std::thread getter{[&] { ended += !empty.get_sync(block); }};
    std::thread putter{[&] { ended += !full.put_sync(2, block); }};
    std::this_thread::sleep_for(10ms);
    CHECK(ended == 0);
    empty.close();
    full.close();
    getter.join();
    putter.join();
    CHECK(ended == 2);
}

TEST_CASE("two threads that block: a million items in order") {
    ThreadSafeQueue<std::uint32_t, 64> queue;
    constexpr std::uint32_t count = 1'000'000;
    std::thread producer{[&] {
        std::uint32_t i = 0;
        while (i < count && queue.put_sync(i, block)) ++i;
        queue.close();
    }};
    std::uint32_t expected = 0;
    while (const auto item = queue.get_sync(block)) {
        if (*item != expected++) FAIL("out of order at " << expected);
    }
    producer.join();
    CHECK(expected == count);
}

TEST_CASE("a thread and a task, both directions, small queues: every item in order") {
    std::array<int, 3> buffer{};
    ThreadSafeQueue<int> there{buffer};
    ThreadSafeQueue<int, 2> back;
    constexpr int count = 100'000;
    std::thread echo{[&] {
        while (auto item = there.get_sync(block)) {
            if (!back.put_sync(*item, block)) break;
        }
        back.close();
    }};
    auto sender = [&]() -> Task<> {
        for (int i = 0; i < count; ++i) {
            if (!co_await there.put(i)) FAIL("refused");
        }
        there.close();
    };
    auto main = [&]() -> Task<int> {
        create_task(sender());
        int expected = 0;
        while (auto item = co_await back.next()) {
            if (*item != expected++) FAIL("out of order at " << expected);
        }
        co_return expected;
    };
    CHECK(run(main()) == count);
    echo.join();
}

TEST_CASE("tasks of two loops in two threads") {
    ThreadSafeQueue<int, 8> queue;
    constexpr int count = 200'000;
    auto producer = [&]() -> Task<> {
        for (int i = 0; i < count; ++i) {
            if (!co_await queue.put(i)) FAIL("refused");
        }
        queue.close();
    };
    std::thread thread{[&] { run(producer()); }};
    auto main = [&]() -> Task<int> {
        int expected = 0;
        while (auto item = co_await queue.next()) {
            if (*item != expected++) FAIL("out of order at " << expected);
        }
        co_return expected;
    };
    CHECK(run(main()) == count);
    thread.join();
}
#endif

TEST_CASE("items put by a signal handler all arrive, in order") {
    static ThreadSafeQueue<int, 4> queue;
    static int next = 0;
    SignalTimer timer{[](int) {
        while (queue.put_sync(next)) ++next;
    }};
    auto main = [&]() -> Task<int> {
        int expected = 0;
        for (int round = 0; round < 300; ++round) {
            timer.arm(1000 + round * 41);
            do {
                const int item = co_await queue.get();
                if (item != expected++) FAIL("out of order at " << expected);
            } while (!queue.empty());
        }
        co_return expected;
    };
    CHECK(run(main()) >= 300);
}

#if ROUSE_HOSTED // threads
TEST_CASE("a put or get makes no wake while the other side is awake, and one when it sleeps") {
    CountingPort port;
    Loop loop{port};
    ThreadSafeQueue<int, 2000> queue;
    std::atomic<bool> awake{false}, go_on{false};
    int refused = 0; // the producer's: Catch2's checks are for one thread
    std::thread producer{[&] {
        while (!awake) {
        }
        for (int i = 0; i < 1000; ++i) refused += !queue.put_sync(i);
        go_on = true;
        while (!port.sleeping) {
        }
        for (int i = 0; i < 500; ++i) refused += !queue.put_sync(i);
    }};
    auto main = [&]() -> Task<> {
        awake = true;
        while (!go_on) {
        }
        CHECK(port.wakes == 0);
        for (int i = 0; i < 1000; ++i) (void)co_await queue.get();
        CHECK(port.wakes == 0);
        (void)co_await queue.get(); // sleeps
        CHECK(port.wakes == 1);
    };
    loop.run(main());
    producer.join();
    CHECK(refused == 0);
}

TEST_CASE("close at a random moment loses no accepted item, whoever closes") {
    std::mt19937 random{3};
    for (int round = 0; round < 300; ++round) {
        ThreadSafeQueue<int, 3> queue;
        std::atomic<bool> started{false};
        int accepted = 0;
        std::thread producer{[&] {
            started = true;
            for (int i = 0;; ++i) {
                if (!(i % 2 == 0 ? queue.put_sync(i, block) : queue.put_sync(i))) {
                    if (queue.closed()) break;
                    --i;
                    continue;
                }
                ++accepted;
            }
        }};
        const auto pause = random() % 20'000;
        std::thread closer{[&] {
            while (!started) {
            }
            test::spin(static_cast<int>(pause));
            queue.close();
        }};
        int got = 0;
        if (round % 2 == 0) {
            while (auto item = queue.get_sync(block)) REQUIRE(*item == got++);
        } else {
            auto main = [&]() -> Task<> {
                while (auto item = co_await queue.next()) {
                    if (*item != got++) FAIL("out of order");
                }
            };
            run(main());
        }
        producer.join();
        closer.join();
        REQUIRE(got == accepted);
    }
}

TEST_CASE("a get cancelled at any moment around a put by a thread loses no item") {
    ThreadSafeQueue<int, 4> queue;
    constexpr int count = 5'000;
    std::atomic<int> round{0};
    std::thread producer{[&] {
        for (int i = 0; i < count; ++i) {
            while (round.load() <= i) {
            }
            test::spin(i % 64);
            if (!queue.put_sync(i, block)) break;
        }
    }};
    auto main = [&]() -> Task<int> {
        int expected = 0;
        for (int i = 0; i < count; ++i) {
            auto getter = create_task([](auto& q) -> Task<int> { co_return co_await q.get(); }(queue));
            round = i + 1;
            co_await yield();
            getter.cancel();
            auto outcome = co_await getter.outcome();
            int item = -1;
            if (outcome.has_value()) {
                item = outcome.value();
            } else {
                item = co_await queue.get();
            }
            if (item != expected++) FAIL("lost before " << expected);
        }
        co_return expected;
    };
    CHECK(run(main()) == count);
    producer.join();
}
#endif

#if ROUSE_EXCEPTIONS
namespace {

// A coroutine that is no task.
struct Outside {
    struct promise_type {
        Outside get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {
            try {
                throw;
            } catch (const UsageError&) {
                ++refused;
            }
        }
    };
    static inline int refused = 0;
};

Outside wait_outside_of_a_task(ThreadSafeQueue<int, 1>& queue) {
    auto item = co_await queue.next();
    (void)item;
}

} // namespace

TEST_CASE("a wait outside of a task is refused, and leaves nobody in the queue who could be woken") {
    test::CountingPort port;
    Loop loop{port};
    ThreadSafeQueue<int, 1> queue;
    wait_outside_of_a_task(queue);
    CHECK(Outside::refused == 1);
    CHECK(queue.put_sync(1));
    CHECK(port.wakes == 0);
}
#endif

#if ROUSE_HOSTED
TEST_CASE("blocking calls take any duration as their limit") {
    using namespace std::chrono;
    const auto check = []<class Rep, class Period>(duration<Rep, Period> limit, bool none) {
        INFO("a limit of " << static_cast<long double>(limit.count()) << " times " << Period::num << "/"
                           << Period::den);
        ThreadSafeQueue<int, 1> queue;
        if (none) {
            CHECK(!queue.get_sync(limit).has_value());
            CHECK(queue.put_sync(1, limit));
            CHECK(!queue.put_sync(2, limit));
            CHECK(queue.get_sync(limit) == 1);
            return;
        }
        // The limit is far away, so the calls end when the other side has come.
        std::thread other{[&] {
            for (int i = 0; i < 100; ++i) {
                if (!queue.put_sync(i, limit)) return;
            }
        }};
        int count = 0;
        while (count < 100 && queue.get_sync(limit) == count) ++count;
        queue.close();
        other.join();
        CHECK(count == 100);
    };
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    check(nanoseconds::min(), true);
    check(nanoseconds{-1}, true);
    check(seconds{-9223372037}, true);
    check(hours{-2562048}, true);
    check(minutes{-200000000}, true);
    check(hours::min(), true);
    check(duration<double>{nan}, true);
    check(duration<double>{-infinity}, true);
    check(duration<double, std::pico>{-1e30}, true);
    check(nanoseconds::max(), false);
    check(nanoseconds::max() - 1ns, false);
    check(nanoseconds::max() - 1s, false);
    check(steady_clock::time_point::max() - steady_clock::now(), false);
    check(hours::max(), false);
    check(duration<double>{infinity}, false);
    check(duration<double, std::pico>{1e30}, false);
    check(duration<unsigned long long, std::peta>{1}, false);
}
#endif
