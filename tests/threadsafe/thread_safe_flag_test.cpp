#include <rouse/threadsafe/thread_safe_flag.hpp>

#include <atomic>
#include <thread>

#include "support/catch.hpp"
#include "support/counting_port.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

constinit ThreadSafeFlag global;

Task<> wait_for(ThreadSafeFlag& flag, Log& log, int n) {
    co_await flag.wait();
    log(n);
}

} // namespace

TEST_CASE("a flag set before the wait is not lost, and any number of sets are one") {
    ThreadSafeFlag flag;
    Log log;
    auto main = [&]() -> Task<> {
        flag.set();
        flag.set();
        CHECK(flag.is_set());
        co_await flag.wait();
        CHECK(!flag.is_set());
        auto handle = create_task(wait_for(flag, log, 1));
        co_await sleep(1s);
        CHECK(!handle.done());
        flag.set();
        flag.set();
        co_await handle;
        CHECK(!flag.is_set());
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("clear unsets a flag, and does not lose who waits") {
    ThreadSafeFlag flag;
    Log log;
    auto main = [&]() -> Task<> {
        flag.set();
        flag.clear();
        CHECK(!flag.is_set());
        auto handle = create_task(wait_for(flag, log, 1));
        co_await yield();
        flag.clear();
        flag.set();
        co_await handle;
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("who has been roused goes on even if the flag is cleared before it runs") {
    ThreadSafeFlag flag;
    Log log;
    auto main = [&]() -> Task<> {
        auto handle = create_task(wait_for(flag, log, 1));
        co_await yield();
        flag.set();
        flag.clear();
        co_await handle;
        CHECK(!flag.is_set());
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("a cancelled flag wait leaves the flag set, and the next wait gets it") {
    ThreadSafeFlag flag;
    Log log;
    auto main = [&]() -> Task<> {
        auto handle = create_task(wait_for(flag, log, 1));
        co_await yield();
        flag.set();
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(flag.is_set());
        co_await flag.wait();
        CHECK(!flag.is_set());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a flag can be waited for by another task as soon as the first is cancelled") {
    ThreadSafeFlag flag;
    Log log;
    auto main = [&]() -> Task<> {
        auto first = create_task(wait_for(flag, log, 1));
        co_await yield();
        first.cancel();
        auto second = create_task(wait_for(flag, log, 2)); // runs after the first has unwound
        co_await yield();
        flag.set();
        co_await second;
    };
    run_virtual(main());
    CHECK(log == "2");
}

TEST_CASE("a second waiter is a clear error") {
    auto main = []() -> Task<> {
        ThreadSafeFlag flag;
        Log log;
        create_task(wait_for(flag, log, 1));
        co_await yield();
        co_await flag.wait();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "ThreadSafeFlag::wait: another task is waiting"));
}

TEST_CASE("a flag that goes while a task waits leaves it waiting until it is cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        TaskHandle<> waiting, roused;
        {
            ThreadSafeFlag a, b;
            waiting = create_task(wait_for(a, log, 1));
            roused = create_task(wait_for(b, log, 2));
            co_await yield();
            b.set();
        }
        co_await sleep(1s);
        CHECK(!waiting.done());
        CHECK(roused.done());
        waiting.cancel();
        co_await waiting.outcome();
    };
    run_virtual(main());
    CHECK(log == "2");
}

TEST_CASE("a flag is three words at most") { CHECK(sizeof(ThreadSafeFlag) <= 3 * sizeof(void*)); }

#if ROUSE_HOSTED // threads
TEST_CASE("a flag set by a thread: requests are answered one by one, and what was written before is seen") {
    ThreadSafeFlag request, answer;
    int value = 0; // not atomic: the flags order it
    constexpr int rounds = 20'000;
    auto responder = [&]() -> Task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await request.wait();
            ++value;
            answer.set();
        }
    };
    std::thread thread{[&] { run(responder()); }};
    auto main = [&]() -> Task<> {
        for (int i = 0; i < rounds; ++i) {
            ++value;
            request.set();
            co_await answer.wait();
            if (value != 2 * (i + 1)) FAIL("stale value " << value << " in round " << i);
        }
    };
    run(main());
    thread.join();
    CHECK(value == 2 * rounds);
}
#endif

TEST_CASE("a flag set by a signal handler wakes the loop that sleeps on the same thread") {
    SignalTimer timer{[](int) { global.set(); }};
    auto main = [&]() -> Task<int> {
        int rounds = 0;
        for (; rounds < 500; ++rounds) {
            timer.arm(1000 + rounds * 37);
            co_await global.wait();
        }
        co_return rounds;
    };
    CHECK(run(main()) == 500);
}

#if ROUSE_HOSTED // threads
TEST_CASE("while the loop is awake a set makes no system call; when it sleeps the first makes one, the rest none") {
    CountingPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    std::atomic<bool> awake{false}, go_on{false};
    std::thread setter{[&] {
        while (!awake) {
        }
        for (int i = 0; i < 1000; ++i) flag.set();
        go_on = true;
        while (!port.sleeping) {
        }
        for (int i = 0; i < 1000; ++i) flag.set();
    }};
    auto main = [&]() -> Task<> {
        awake = true;
        while (!go_on) {
        } // busy
        CHECK(port.wakes == 0);
        co_await flag.wait();
        co_await flag.wait(); // sleeps
        CHECK(port.wakes == 1);
    };
    loop.run(main());
    setter.join();
}

TEST_CASE("a wait cancelled at any moment around a set by a thread loses neither the set nor the task") {
    ThreadSafeFlag flag;
    std::atomic<int> round{0};
    constexpr int rounds = 5'000;
    std::thread setter{[&] {
        for (int i = 1; i <= rounds; ++i) {
            while (round.load() < i) {
            }
            test::spin(i % 64);
            flag.set();
        }
    }};
    int got = 0;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= rounds; ++i) {
            auto waiter = create_task([](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); }(flag));
            round = i;
            co_await yield();
            waiter.cancel();
            auto outcome = co_await waiter.outcome();
            // Whoever was cancelled has left the set of this round in the flag, or it is still to come.
            if (outcome.cancelled()) co_await flag.wait();
            ++got;
        }
    };
    run(main());
    setter.join();
    CHECK(got == rounds);
    CHECK(!flag.is_set());
}
#endif
