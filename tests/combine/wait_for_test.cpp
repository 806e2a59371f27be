#include <rouse/combine/wait_for.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("a task that finishes in time gives its value when it finishes") {
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        auto outcome = co_await try_wait_for(returns_after(5, 1s), 2s);
        CHECK(outcome.has_value());
        CHECK(outcome.value() == 5);
        CHECK(Clock::now() - start == 1s);
    };
    run_virtual(main());
}

TEST_CASE("a task that is late is cancelled at the deadline, and its cleanup is awaited") {
    Log log;
    auto slow = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("cancelled"); });
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        const auto start = Clock::now();
        const auto outcome = co_await try_wait_for(slow(), 2s);
        log("late");
        CHECK(outcome.timed_out());
        CHECK(!outcome.cancelled());
        CHECK(Clock::now() - start == 2s);
    };
    run_virtual(main());
    CHECK(log == "cancelled late");
}

TEST_CASE("with a zero or negative timeout a task is cancelled before it starts, and a finished one gives its value") {
    Log log;
    auto never = [&]() -> Task<int> {
        log("wrong");
        co_return 1;
    };
    auto main = [&]() -> Task<> {
        const auto zero = co_await try_wait_for(never(), 0s);
        CHECK(zero.timed_out());
        const auto negative = co_await try_wait_for(never(), -1s);
        CHECK(negative.timed_out());
        auto done = create_task(returns_after(3, 0s));
        co_await done;
        auto outcome = co_await try_wait_for(done, 0s);
        CHECK(outcome.has_value());
        CHECK(outcome.value() == 3);
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE(
    "with a zero or negative timeout an object that is ready gives its value, and one that is not times out at once") {
    auto main = []() -> Task<> {
        for (const auto at_most : {0s, -1s}) {
            Event event;
            ThreadSafeFlag flag;
            ThreadSafeQueue<int, 1> queue;
            const auto start = Clock::now();
            const auto no_event = co_await try_wait_for(event.wait(), at_most);
            const auto no_flag = co_await try_wait_for(flag.wait(), at_most);
            const auto no_item = co_await try_wait_for(queue.get(), at_most);
            CHECK(no_event.timed_out());
            CHECK(no_flag.timed_out());
            CHECK(no_item.timed_out());
            event.set();
            flag.set();
            CHECK(queue.put_sync(7));
            const auto an_event = co_await try_wait_for(event.wait(), at_most);
            const auto a_flag = co_await try_wait_for(flag.wait(), at_most);
            auto an_item = co_await try_wait_for(queue.get(), at_most);
            CHECK(an_event.has_value());
            CHECK(a_flag.has_value());
            CHECK(an_item.value() == 7);
            CHECK(Clock::now() == start);
        }
    };
    run_virtual(main());
}

TEST_CASE("a handle is cancelled when it is late") {
    auto main = []() -> Task<> {
        auto handle = create_task(returns_after(1, 1h));
        const auto outcome = co_await try_wait_for(handle, 1s);
        CHECK(outcome.timed_out());
        CHECK(handle.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("the wait of any object can have a time limit, and loses nothing by it") {
    auto main = []() -> Task<> {
        Event event;
        ThreadSafeFlag flag;
        ThreadSafeEvent foreign;
        ThreadSafeQueue<int, 1> queue;
        Lock lock;
        co_await lock.acquire();
        const auto a = co_await try_wait_for(event.wait(), 1s);
        const auto b = co_await try_wait_for(flag.wait(), 1s);
        const auto c = co_await try_wait_for(foreign.wait(), 1s);
        const auto d = co_await try_wait_for(queue.get(), 1s);
        const auto e = co_await try_wait_for(lock.acquire(), 1s);
        const auto f = co_await try_wait_for(sleep(1h), 1s);
        for (const bool late :
             {a.timed_out(), b.timed_out(), c.timed_out(), d.timed_out(), e.timed_out(), f.timed_out()}) {
            CHECK(late);
        }
        // All of them can be awaited again.
        event.set();
        flag.set();
        foreign.set();
        CHECK(queue.put_sync(7));
        lock.release();
        co_await event.wait();
        co_await flag.wait();
        co_await foreign.wait();
        const int item = co_await queue.get();
        CHECK(item == 7);
        co_await lock.acquire();
    };
    run_virtual(main());
}

TEST_CASE("an item that comes just as the time is up is got, or stays in the queue") {
    auto main = []() -> Task<> {
        ThreadSafeQueue<int, 1> queue;
        auto putter = create_task([](auto& q) -> Task<> {
            co_await sleep(1s);
            CHECK(q.put_sync(1));
        }(queue));
        auto outcome = co_await try_wait_for(queue.get(), 1s);
        co_await putter;
        CHECK(outcome.has_value() != (queue.qsize() == 1));
    };
    run_virtual(main());
}

TEST_CASE("a wait that times out while an old wake is on its way ends when that wake arrives") {
    auto main = []() -> Task<> {
        ThreadSafeQueue<int, 1> queue;
        auto limited = [](ThreadSafeQueue<int, 1>& from) -> Task<bool> {
            const auto outcome = co_await try_wait_for(from.next(), 1h);
            co_return outcome.timed_out();
        };
        const auto task = create_task(limited(queue));
        co_await yield();
        CHECK(queue.put_sync(1)); // takes the waiter, which arrives in the next iteration of the loop
        CHECK(queue.get_sync() == 1);
        CHECK_FALSE(detail::Scheduler::current().interrupt(*record_of(task))); // as the timer does
        const bool late = co_await task;
        CHECK(late);
        CHECK(Clock::now() == TimePoint{});
    };
    run_virtual(main());
}

TEST_CASE(
    "a wait for an event that begins after a clear times out, even while the wake of an earlier set is on its way") {
    auto main = []() -> Task<> {
        ThreadSafeEvent event;
        auto waits = [](ThreadSafeEvent& for_what) -> Task<> { co_await for_what.wait(); };
        const auto before = create_task(waits(event));
        co_await yield();
        event.set();
        event.clear();
        const auto outcome = co_await try_wait_for(event.wait(), 0s);
        CHECK(outcome.timed_out());
        co_await before;
    };
    run_virtual(main());
}

TEST_CASE("a task that is cancelled while it waits with a time limit loses neither an item nor a lock") {
    auto main = []() -> Task<> {
        ThreadSafeQueue<int, 1> queue;
        Lock lock;
        co_await lock.acquire();
        auto getter = create_task([](auto& q) -> Task<> { (void)co_await try_wait_for(q.get(), 10s); }(queue));
        auto locker = create_task([](auto& l) -> Task<> { (void)co_await try_wait_for(l.acquire(), 10s); }(lock));
        co_await sleep(1s);
        CHECK(queue.put_sync(1));
        lock.release();
        for (int i = 0; i < 2; ++i) { // at two moments between the wake and the resumption
            getter.cancel();
            locker.cancel();
            co_await yield();
        }
        co_await getter.outcome();
        co_await locker.outcome();
        CHECK(getter.cancelled());
        CHECK(locker.cancelled());
        CHECK(queue.qsize() == 1);
        CHECK(!lock.locked());
    };
    run_virtual(main());
}

TEST_CASE("a task that was cancelled by another task has not timed out") {
    auto main = []() -> Task<> {
        auto doomed = create_task(returns_after(1, 1h));
        auto canceller = create_task([](TaskHandle<> handle) -> Task<> {
            co_await sleep(1s); // due at the same time, but started before
            handle.cancel();
        }(doomed));
        co_await yield();
        const auto outcome = co_await try_wait_for(doomed, 1s);
        CHECK((outcome.cancelled() || outcome.timed_out()));
        co_await canceller;
        auto again = create_task(returns_after(1, 1h));
        co_await yield();
        again.cancel();
        const auto cancelled = co_await try_wait_for(again, 1s);
        CHECK(cancelled.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("cancelling the waiting task cancels what it waits for, and leaves no timer") {
    Log log;
    auto slow = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("inner"); });
        co_await sleep(1h);
    };
    auto waits = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("outer"); });
        (void)co_await try_wait_for(slow(), 10s);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(waits());
        co_await sleep(1s);
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(detail::Scheduler::current().timers().empty());
    };
    run_virtual(main());
    CHECK(log == "inner outer");
}

TEST_CASE("an empty task is a UsageError") {
    auto main = []() -> Task<> { (void)co_await try_wait_for(Task<>{}, 1s); };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "an empty Task cannot be awaited"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("wait_for returns the value, throws what the task throws, and throws TimeoutError when the time is up") {
    auto thrower = []() -> Task<> {
        co_await yield();
        throw 42;
    };
    auto main = [&]() -> Task<> {
        const int value = co_await wait_for(returns_after(4, 1s), 2s);
        CHECK(value == 4);
        int caught = 0;
        try {
            co_await wait_for(thrower(), 1s);
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 42);
        bool late = false;
        try {
            co_await wait_for(sleep(1h), 1s);
        } catch (const TimeoutError&) {
            late = true;
        }
        CHECK(late);
    };
    run_virtual(main());
}

TEST_CASE("a task that ignores the cancellation at its deadline is awaited, and its value counts") {
    auto stubborn = []() -> Task<int> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        co_await sleep(5s);
        co_return cancelled ? 1 : 2;
    };
    auto main = [&]() -> Task<> {
        const auto start = Clock::now();
        auto outcome = co_await try_wait_for(stubborn(), 1s);
        CHECK(outcome.has_value());
        CHECK(outcome.value() == 1);
        CHECK(Clock::now() - start == 6s);
    };
    run_virtual(main());
}

TEST_CASE("wait_for does not hide the cancellation of who waits, even as the inner task ends") {
    auto waits = []() -> Task<int> { co_return co_await wait_for(returns_after(1, 1s), 10s); };
    auto main = [&]() -> Task<> {
        auto handle = create_task(waits());
        co_await sleep(1s); // the inner task's timer was started later; it is about to end
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("a task that fails in time gives its error") {
    auto thrower = []() -> Task<> {
        co_await sleep(1s);
        throw 42;
    };
    auto main = [&]() -> Task<> {
        const auto outcome = co_await try_wait_for(thrower(), 5s);
        CHECK(!outcome.timed_out());
        CHECK(outcome.error() != nullptr);
        CHECK(detail::Scheduler::current().timers().empty());
    };
    run_virtual(main());
}

TEST_CASE("a task that fails while it is cancelled at its deadline gives its error, not a timeout") {
    auto thrower = []() -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) throw 42;
    };
    auto main = [&]() -> Task<> {
        int caught = 0;
        try {
            co_await wait_for(thrower(), 1s);
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 42);
    };
    run_virtual(main());
}

TEST_CASE("wait_for with a zero or negative timeout throws TimeoutError, and the task never starts") {
    Log log;
    auto never = [&]() -> Task<> {
        log("wrong");
        co_return;
    };
    auto main = [&]() -> Task<> {
        for (const auto at_most : {0s, -1s}) {
            bool late = false;
            try {
                co_await wait_for(never(), at_most);
            } catch (const TimeoutError&) {
                late = true;
            }
            CHECK(late);
        }
    };
    run_virtual(main());
    CHECK(log == "");
}

#endif
