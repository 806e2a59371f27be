#include <rouse/sync/condition.hpp>

#include <memory>
#include <optional>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Waits once under a Guard. Logs n when it is notified and -n when it has released the lock.
Task<> wait_once(Condition& condition, Log& log, int n) {
    const Mark after{log, std::to_string(-n)};
    const auto guard = co_await condition.scoped();
    co_await condition.wait();
    CHECK(condition.locked());
    log(n);
}

// The same, but holds the lock for ten milliseconds.
Task<> wait_and_keep(Condition& condition, Log& log, int n) {
    const auto guard = co_await condition.scoped();
    co_await condition.wait();
    log(n);
    co_await sleep(10ms);
    log(-n);
}

Task<> notify_some(Condition& condition, std::size_t n) {
    const auto guard = co_await condition.scoped();
    condition.notify(n);
}

Task<> notify_everybody(Condition& condition) {
    const auto guard = co_await condition.scoped();
    condition.notify_all();
}

constinit Condition made_before_main;

} // namespace

TEST_CASE("wait releases the lock, and holds it again when it returns") {
    Log log;
    auto main = [&]() -> Task<> {
        auto waiter = create_task(wait_once(made_before_main, log, 1));
        co_await yield();
        CHECK(!made_before_main.locked());
        {
            const auto guard = co_await made_before_main.scoped();
            made_before_main.notify();
            log("notified");
            co_await sleep(1s);
            CHECK(!waiter.done());
            log("released");
        }
        co_await waiter;
        CHECK(!made_before_main.locked());
    };
    run_virtual(main());
    CHECK(log == "notified released 1 -1");
}

TEST_CASE("notify wakes the given number of tasks, in the order in which they began to wait") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 5; ++i) create_task(wait_and_keep(condition, log, i));
        co_await yield();
        co_await notify_some(condition, 1);
        co_await sleep(1s);
        log("two");
        co_await notify_some(condition, 2);
        co_await sleep(1s);
        log("none");
        co_await notify_some(condition, 0);
        co_await sleep(1s);
        log("rest");
        co_await notify_some(condition, 100);
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "1 -1 two 2 -2 3 -3 none rest 4 -4 5 -5");
}

TEST_CASE("notify_all wakes all tasks, which run one after the other") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(wait_and_keep(condition, log, i));
        co_await yield();
        co_await notify_everybody(condition);
        co_await sleep(1s);
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "1 -1 2 -2 3 -3");
}

TEST_CASE("a notification without a waiting task is not remembered") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        co_await notify_everybody(condition);
        auto waiter = create_task(wait_once(condition, log, 1));
        co_await sleep(1s);
        CHECK(!waiter.done());
    };
    run_virtual(main());
    CHECK(log == "-1"); // logged when the run ended
}

TEST_CASE("notified tasks get the lock after the tasks that already wait for it") {
    Log log;
    Condition condition;
    auto locks = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        log("other");
    };
    auto main = [&]() -> Task<> {
        create_task(wait_and_keep(condition, log, 1));
        co_await yield();
        auto guard = co_await condition.scoped();
        create_task(locks());
        co_await yield();
        condition.notify();
        guard.release();
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "other 1 -1");
}

TEST_CASE("wait waits until its predicate is true, and returns what it returned") {
    Condition condition;
    std::optional<int> value;
    auto waits = [&]() -> Task<std::optional<int>> {
        const auto guard = co_await condition.scoped();
        auto found = co_await condition.wait([&] { return value; });
        CHECK(condition.locked());
        co_return found;
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        co_await notify_everybody(condition);
        co_await sleep(1s);
        CHECK(!waiter.done());
        value = 5;
        co_await notify_everybody(condition);
        const auto found = co_await waiter;
        CHECK(found == 5);
        const auto immediately = co_await create_task(waits());
        CHECK(immediately == 5);
        CHECK(!condition.locked());
    };
    run_virtual(main());
}

TEST_CASE("wait_for is another name for wait with a predicate") {
    Condition condition;
    int evaluated = 0;
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const int found = co_await condition.wait_for([&] { return ++evaluated; });
        CHECK(found == 1);
    };
    run_virtual(main());
    CHECK(evaluated == 1);
}

TEST_CASE("two conditions can share a lock") {
    Log log;
    Lock lock;
    Condition a{lock}, b{lock};
    auto main = [&]() -> Task<> {
        create_task(wait_once(a, log, 1));
        create_task(wait_once(b, log, 2));
        co_await yield();
        co_await lock.acquire();
        CHECK(a.locked());
        CHECK(b.locked());
        b.notify_all();
        lock.release();
        co_await sleep(1s);
        log("a");
        co_await notify_some(a, 1);
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "2 -2 a 1 -1");
}

TEST_CASE("a condition can be acquired and released like a lock") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        co_await condition.acquire();
        co_await condition.wait();
        log("notified");
        condition.release();
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        co_await condition.acquire();
        CHECK(condition.locked());
        condition.notify();
        condition.release();
        co_await waiter;
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "notified");
}

// ---- cancellation ----

TEST_CASE("a cancelled wait ends with the lock held, at once if the lock is free") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto seen = on_cancel([&] { log(condition.locked() ? "locked" : "not locked"); });
        co_await condition.wait();
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        CHECK(waiter.cancel());
        CHECK(condition.locked());
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "locked");
}

TEST_CASE("a cancelled wait ends only when it gets the lock, however often it is cancelled") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        auto waiter = create_task(wait_once(condition, log, 1));
        co_await yield();
        {
            const auto guard = co_await condition.scoped();
            waiter.cancel();
            co_await sleep(1s);
            CHECK(!waiter.done());
            CHECK(waiter.cancel());
            co_await sleep(1s);
            CHECK(!waiter.done());
            CHECK(waiter.cancel());
            log("released");
        }
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "released -1");
}

TEST_CASE("a notification skips a cancelled wait and goes to the next one") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_once(condition, log, 1)), b = create_task(wait_once(condition, log, 2));
        co_await yield();
        {
            const auto guard = co_await condition.scoped();
            a.cancel();
            condition.notify();
        }
        co_await b;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "-1 2 -2");
}

TEST_CASE("a notification passes to the next task if its task is cancelled while it waits for the lock") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_once(condition, log, 1)), b = create_task(wait_once(condition, log, 2));
        co_await yield();
        {
            const auto guard = co_await condition.scoped();
            condition.notify(); // notifies a
            co_await sleep(1s);
            a.cancel();
            co_await sleep(1s);
            CHECK(!a.done());
        }
        co_await b;
        CHECK(a.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "-1 2 -2");
}

TEST_CASE("a notification passes to the next task if its task is cancelled after it got the lock and before it runs") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_once(condition, log, 1)), b = create_task(wait_once(condition, log, 2));
        co_await yield();
        co_await notify_some(condition, 1); // notifies a, which gets the lock now
        CHECK(condition.locked());
        CHECK(a.cancel());
        co_await b;
        CHECK(a.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "-1 2 -2");
}

TEST_CASE("if all waiting tasks are cancelled, each gets the lock in turn") {
    Log log;
    Condition condition;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(wait_once(condition, log, i));
        co_await yield();
    };
    run_virtual(main()); // cancels the tasks that are left
    CHECK(log == "-1 -2 -3");
    CHECK(!condition.locked());
}

TEST_CASE("a cancelled wait_for ends with the lock held") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto seen = on_cancel([&] { log(condition.locked() ? "locked" : "not locked"); });
        co_await condition.wait_for([] { return false; });
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        waiter.cancel();
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "locked");
}

// ---- with a limit ----

TEST_CASE("a wait that times out returns with the lock held") {
    Condition condition;
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto start = Clock::now();
        const auto late = co_await try_wait_for(condition.wait(), 1s);
        CHECK(late.timed_out());
        CHECK(Clock::now() - start == 1s);
        CHECK(condition.locked());
        const auto zero = co_await try_wait_for(condition.wait(), 0s);
        CHECK(zero.timed_out());
        CHECK(condition.locked());
    };
    run_virtual(main());
    CHECK(!condition.locked());
}

TEST_CASE("a wait that times out while another task holds the lock returns when it gets the lock") {
    Condition condition;
    auto keeps = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        co_await sleep(5s);
    };
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        create_task(keeps());
        co_await yield();
        const auto start = Clock::now();
        const auto late = co_await try_wait_for(condition.wait(), 1s);
        CHECK(late.timed_out());
        CHECK(Clock::now() - start == 5s);
        CHECK(condition.locked());
    };
    run_virtual(main());
    CHECK(!condition.locked());
}

TEST_CASE("a wait that is notified in time succeeds, even if it gets the lock only after the deadline") {
    Condition condition;
    auto notifies = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        condition.notify();
        co_await sleep(5s);
    };
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        create_task(notifies());
        const auto start = Clock::now();
        const auto outcome = co_await try_wait_for(condition.wait(), 1s);
        CHECK(outcome.has_value());
        CHECK(Clock::now() - start == 5s);
        CHECK(condition.locked());
    };
    run_virtual(main());
}

TEST_CASE("a wait that is cancelled after it has timed out ends as cancelled, with the lock held") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto seen = on_cancel([&] { log(condition.locked() ? "locked" : "not locked"); });
        co_await try_wait_for(condition.wait(), 1s);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        {
            const auto guard = co_await condition.scoped();
            co_await sleep(2s);
            waiter.cancel();
            co_await sleep(1s);
            CHECK(!waiter.done());
        }
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!condition.locked());
    };
    run_virtual(main());
    CHECK(log == "locked");
}

TEST_CASE("a notification does not go to a wait that has timed out") {
    Log log;
    Condition condition;
    auto limited = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto outcome = co_await try_wait_for(condition.wait(), 1s);
        log(outcome.timed_out() ? "late" : "wrong");
    };
    auto main = [&]() -> Task<> {
        create_task(limited());
        auto b = create_task(wait_once(condition, log, 2));
        co_await yield();
        {
            const auto guard = co_await condition.scoped();
            co_await sleep(2s);
            condition.notify();
        }
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "late 2 -2");
}

TEST_CASE("a wait_for that times out ends with the lock held") {
    Condition condition;
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        const auto late = co_await try_wait_for(condition.wait_for([] { return false; }), 1s);
        CHECK(late.timed_out());
        CHECK(condition.locked());
    };
    run_virtual(main());
    CHECK(!condition.locked());
}

TEST_CASE("in a select a condition's wait needs a separate Task, and if it loses the select ends with the lock held") {
    Condition condition;
    Event event;
    auto waits = [&]() -> Task<> { co_await condition.wait(); };
    auto keeps = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        event.set();
        co_await sleep(5s);
    };
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        create_task(keeps());
        const auto start = Clock::now();
        const auto first = co_await select(waits(), event.wait());
        CHECK(first.index() == 1);
        CHECK(Clock::now() - start == 5s);
        CHECK(condition.locked());
    };
    run_virtual(main());
    CHECK(!condition.locked());
}

// ---- destruction and bad use ----

TEST_CASE("tasks that wait when a condition is destroyed stay suspended until cancelled") {
    auto waits = [](Condition& condition) -> Task<> {
        co_await condition.acquire(); // no Guard, which would outlive the lock
        co_await condition.wait();
    };
    auto main = [&]() -> Task<> {
        auto condition = std::make_unique<Condition>();
        auto waiter = create_task(waits(*condition));
        co_await yield();
        condition.reset();
        co_await sleep(1h);
        CHECK(!waiter.done());
        waiter.cancel();
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("a cancelled task whose condition was destroyed still gets the shared lock") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        auto condition = std::make_unique<Condition>(lock);
        auto waiter = create_task(wait_once(*condition, log, 1));
        co_await yield();
        condition.reset();
        {
            const auto guard = co_await lock.scoped();
            waiter.cancel();
            co_await sleep(1s);
            CHECK(!waiter.done());
        }
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!lock.locked());
    };
    run_virtual(main());
    CHECK(log == "-1");
}

TEST_CASE("a condition may be destroyed before a task that it has notified is cancelled") {
    Log log;
    Lock lock;
    auto main = [&]() -> Task<> {
        auto condition = std::make_unique<Condition>(lock);
        auto a = create_task(wait_once(*condition, log, 1)), b = create_task(wait_once(*condition, log, 2));
        co_await yield();
        co_await notify_some(*condition, 1);
        a.cancel();
        condition.reset();
        co_await a.outcome();
        CHECK(a.cancelled());
        CHECK(!b.done());
        CHECK(!lock.locked());
    };
    run_virtual(main());
    CHECK(log == "-1 -2");
}

TEST_CASE("a loop can be destroyed while tasks wait for a condition, or for its lock afterwards") {
    Log log;
    Condition condition;
    auto holds = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        condition.notify();
        co_await sleep(1h);
    };
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(wait_once(condition, log, 1));          // notified
        auto b = loop.create_task(wait_once(condition, log, 2)); // cancelled
        loop.create_task(wait_once(condition, log, 3));
        loop.poll();
        loop.create_task(holds());
        loop.poll();
        b.cancel();
        loop.poll();
        CHECK(!b.done());
    }
    CHECK(log == "-1 -2 -3");
}

TEST_CASE("wait, notify and release without the lock are UsageErrors") {
    CHECK(contains(misuse_of([] {
                       Condition condition;
                       auto main = [&]() -> Task<> { co_await condition.wait(); };
                       run_virtual(main());
                   }),
                   "Condition::wait: the lock is not held"));
    CHECK(contains(misuse_of([] { Condition{}.notify(); }), "Condition::notify: the lock is not held"));
    CHECK(contains(misuse_of([] { Condition{}.notify_all(); }), "Condition::notify_all: the lock is not held"));
    CHECK(contains(misuse_of([] { Condition{}.release(); }), "Condition::release: the lock is not held"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("a task that catches its cancellation in a wait holds the lock and may continue") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        try {
            co_await condition.wait();
        } catch (const CancelledError&) {
            log(condition.locked() ? "locked" : "not locked");
        }
        co_await condition.wait();
        log("notified");
    };
    auto main = [&]() -> Task<> {
        auto waiter = create_task(waits());
        co_await yield();
        waiter.cancel();
        co_await yield();
        CHECK(!condition.locked());
        co_await notify_some(condition, 1);
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "locked notified");
}

TEST_CASE("a notification passes on as soon as the cancellation is delivered, even if the awaiter lives on") {
    Log log;
    Condition condition;
    auto waits = [&]() -> Task<> {
        {
            const auto guard = co_await condition.scoped();
            auto wait = condition.wait();
            try {
                co_await wait;
            } catch (const CancelledError&) {
                log("cancelled");
            }
            co_await condition.wait(); // passes the lock to the next task, which has been notified
        }
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(waits()), b = create_task(wait_once(condition, log, 2));
        co_await yield();
        co_await notify_some(condition, 1);
        a.cancel();
        co_await b;
        CHECK(!a.done());
    };
    run_virtual(main());
    CHECK(log == "cancelled 2 -2");
}

TEST_CASE("wait_for a condition's wait throws TimeoutError with the lock held") {
    Condition condition;
    auto main = [&]() -> Task<> {
        const auto guard = co_await condition.scoped();
        bool late = false;
        try {
            co_await wait_for(condition.wait(), 1s);
        } catch (const TimeoutError&) {
            late = true;
        }
        CHECK(late);
        CHECK(condition.locked());
    };
    run_virtual(main());
}

#endif
