#include <rouse/sync/lock.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> critical(Lock& lock, Log& log, int n) {
    co_await lock.acquire();
    log(n);
    co_await sleep(10ms);
    log(-n);
    lock.release();
}

} // namespace

TEST_CASE("one task at a time has the lock, first come first served") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(critical(lock, log, i));
        co_await sleep(1s);
        CHECK(!lock.locked());
    };
    run_virtual(main());
    CHECK(log == "1 -1 2 -2 3 -3");
}

TEST_CASE("no task can acquire a lock while it is being handed over") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        co_await lock.acquire();
        auto waiter = create_task(critical(lock, log, 1));
        co_await yield();
        lock.release();
        CHECK(lock.locked());
        co_await lock.acquire(); // queues after the waiter
        log("main");
        lock.release();
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "1 -1 main");
}

TEST_CASE("a task that releases a lock and acquires it again queues after the others") {
    Log log;
    Lock lock;
    auto worker = [&](int n) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const auto guard = co_await lock.scoped();
            log(n);
            co_await yield();
        }
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(worker(1)), b = create_task(worker(2)), c = create_task(worker(3));
        co_await a;
        co_await b;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "1 2 3 1 2 3 1 2 3");
}

TEST_CASE("a Guard releases the lock at the end of the scope, or before") {
    Lock lock;
    auto main = [&]() -> Task<> {
        {
            auto guard = co_await lock.scoped();
            CHECK(lock.locked());
        }
        CHECK(!lock.locked());
        auto guard = co_await lock.scoped();
        guard.release();
        CHECK(!lock.locked());
        guard.release();
    };
    run_virtual(main());
}

TEST_CASE("a cancelled acquire that has been given the lock passes it on") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        co_await lock.acquire();
        auto a = create_task(critical(lock, log, 1)), b = create_task(critical(lock, log, 2));
        co_await yield();
        lock.release(); // grants it to a
        CHECK(a.cancel());
        co_await b;
        CHECK(a.cancelled());
        CHECK(!lock.locked());
    };
    run_virtual(main());
    CHECK(log == "2 -2");
}

TEST_CASE("a cancelled acquire that still waits leaves the queue") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        co_await lock.acquire();
        auto a = create_task(critical(lock, log, 1)), b = create_task(critical(lock, log, 2));
        co_await yield();
        a.cancel();
        co_await a.outcome();
        lock.release();
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "2 -2");
}

TEST_CASE("a task that is cancelled while it holds a scoped lock releases it") {
    Lock lock;
    auto holder = [&]() -> Task<> {
        auto guard = co_await lock.scoped();
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(holder());
        co_await yield();
        CHECK(lock.locked());
        handle.cancel();
        co_await handle.outcome();
        CHECK(!lock.locked());
    };
    run_virtual(main());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("a cancelled acquire passes the lock on when it throws, even if the awaiter lives on") {
    auto main = []() -> Task<> {
        Lock lock;
        auto lingers = [](Lock& of) -> Task<> {
            auto acquire = of.acquire();
            bool cancelled = false;
            try {
                co_await acquire;
            } catch (const CancelledError&) {
                cancelled = true;
            }
            if (cancelled) co_await sleep(1h);
        };
        auto next = [](Lock& of) -> Task<TimePoint> {
            co_await of.acquire();
            of.release();
            co_return Clock::now();
        };
        co_await lock.acquire();
        const auto first = create_task(lingers(lock));
        const auto second = create_task(next(lock));
        co_await yield();
        lock.release();
        CHECK(first.cancel());
        const TimePoint when = co_await second;
        CHECK(when == TimePoint{});
    };
    run_virtual(main());
}
#endif

TEST_CASE("release of a lock that is not held is a UsageError") {
    CHECK(contains(misuse_of([] {
                       Lock lock;
                       lock.release();
                   }),
                   "Lock::release: the lock is not held"));
}
