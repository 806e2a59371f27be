#include <rouse/combine/select.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> set_after(Event& event, Clock::duration time) {
    co_await sleep(time);
    event.set();
}

Task<> with_a_sleep(Log& log, std::string word, Clock::duration time) {
    Mark mark{log, word + " gone"};
    co_await sleep(time);
    log(word);
}

} // namespace

TEST_CASE("select returns which of several things happened first, and its value") {
    VirtualTimePort port;
    Loop loop{port};
    Event never;
    ThreadSafeQueue<int, 2> queue;
    loop.run([](Event& event, ThreadSafeQueue<int, 2>& numbers) -> Task<> {
        auto put_later = [](ThreadSafeQueue<int, 2>& into) -> Task<> {
            co_await sleep(2s);
            static_cast<void>(into.put_sync(7));
        };
        create_task(put_later(numbers));
        const auto first = co_await select(event.wait(), numbers.get(), sleep(5s));
        CHECK(first.index() == 1);
        CHECK(std::get<1>(first) == 7);
        CHECK(Clock::now() == TimePoint{2s});
        const auto second = co_await select(event.wait(), numbers.get(), sleep(5s));
        CHECK(second.index() == 2);
        CHECK(Clock::now() == TimePoint{7s});
    }(never, queue));
    CHECK(loop.next_deadline() == no_deadline);
}

TEST_CASE("what is ready is selected without waiting, the first argument before the others") {
    run_virtual([]() -> Task<> {
        Event a;
        Event b;
        b.set();
        const auto only = co_await select(a.wait(), b.wait());
        CHECK(only.index() == 1);
        a.set();
        const auto both = co_await select(a.wait(), b.wait());
        CHECK(both.index() == 0);
    }());
}

TEST_CASE("select resumes in the order in which a plain wait would") {
    Log log;
    run_virtual([](Log& order) -> Task<> {
        Event go;
        Event never;
        auto plain = [](Log& to, Event& event, const char* name) -> Task<> {
            co_await event.wait();
            to(name);
        };
        auto selecting = [](Log& to, Event& event, Event& other, const char* name) -> Task<> {
            co_await select(other.wait(), event.wait());
            to(name);
        };
        create_task(plain(order, go, "1"));
        create_task(selecting(order, go, never, "2"));
        create_task(plain(order, go, "3"));
        co_await yield();
        go.set();
        co_await yield();
        co_await yield();
    }(log));
    CHECK(log == "1 2 3");
}

TEST_CASE("losing waits are unlinked and take nothing later") {
    run_virtual([]() -> Task<> {
        Lock lock;
        ThreadSafeFlag flag;
        ThreadSafeQueue<int, 2> queue;
        Event go;
        co_await lock.acquire();
        create_task(set_after(go, 1s));
        const auto first = co_await select(lock.acquire(), flag.wait(), queue.get(), go.wait());
        CHECK(first.index() == 3);
        lock.release();
        CHECK_FALSE(lock.locked());
        flag.set();
        co_await yield();
        CHECK(flag.is_set());
        CHECK(queue.put_sync(1));
        co_await yield();
        CHECK(queue.qsize() == 1);
    }());
}

TEST_CASE("if several things happen before the task resumes, the first wins and the others lose nothing") {
    run_virtual([]() -> Task<> {
        Lock lock;
        ThreadSafeFlag flag;
        ThreadSafeQueue<int, 2> queue;
        co_await lock.acquire();
        std::size_t index = 9;
        auto waits = [](Lock& l, ThreadSafeFlag& f, ThreadSafeQueue<int, 2>& q, std::size_t& which) -> Task<> {
            const auto first = co_await select(l.acquire(), f.wait(), q.get());
            which = first.index();
        };
        auto task = create_task(waits(lock, flag, queue, index));
        co_await yield();
        CHECK(queue.put_sync(5));
        flag.set();
        lock.release();
        co_await task;
        // The lock is granted at once; the other wakes arrive through the inbox.
        CHECK(index == 0);
        CHECK(lock.locked());
        CHECK(flag.is_set());
        CHECK(queue.qsize() == 1);
        const auto item = co_await queue.get();
        CHECK(item == 5);
        lock.release();
    }());
}

TEST_CASE("an item that was put and taken again while its wake was on its way does not hold the select") {
    run_virtual([]() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        Event event;
        auto selects = [](ThreadSafeQueue<int, 2>& q, Event& e) -> Task<std::size_t> {
            const auto first = co_await select(q.get(), e.wait());
            co_return first.index();
        };
        auto task = create_task(selects(queue, event));
        co_await yield();
        CHECK(queue.put_sync(1));
        CHECK(queue.get_sync() == 1);
        event.set();
        const auto index = co_await task;
        CHECK(index == 1);
    }());
}

TEST_CASE("the task of a losing handle continues, and can be awaited again") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto task = create_task(with_a_sleep(to, "task", 3s));
        const auto first = co_await select(task, sleep(1s));
        CHECK(first.index() == 1);
        to("late");
        co_await task;
    }(log));
    CHECK(log == "late task task gone");
}

TEST_CASE("a Task that loses is cancelled, and select returns when it has ended") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto first = co_await select(with_a_sleep(to, "slow", 3s), with_a_sleep(to, "quick", 1s));
        CHECK(first.index() == 1);
        to("selected");
        CHECK(Clock::now() == TimePoint{1s});
    }(log));
    CHECK(log == "quick quick gone slow gone selected");
}

TEST_CASE("a Task is not started if another argument is ready") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Event event;
        event.set();
        const auto first = co_await select(with_a_sleep(to, "never", 3s), event.wait());
        CHECK(first.index() == 1);
        to("selected");
    }(log));
    CHECK(log == "selected");
}

TEST_CASE("select takes one task twice, one event twice, one argument alone, and a select") {
    run_virtual([]() -> Task<> {
        auto task = create_task(returns_after(4, 1s));
        const auto twice = co_await select(task, task);
        CHECK(twice.index() == 0);
        CHECK(std::get<0>(twice) == 4);
        Event event;
        create_task(set_after(event, 1s));
        const auto event_twice = co_await select(event.wait(), event.wait());
        CHECK(event_twice.index() == 0);
        const auto alone = co_await select(returns_after(5, 1s));
        CHECK(std::get<0>(alone) == 5);
        Event never;
        const auto nested = co_await select(never.wait(), select(never.wait(), sleep(1s)), sleep(2s));
        CHECK(nested.index() == 1);
        CHECK(std::get<1>(nested).index() == 1);
        CHECK(Clock::now() == TimePoint{4s});
    }());
}

TEST_CASE("select with yield or a sleep of zero passes once through the ready queue") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto says = [](Log& into) -> Task<> {
            into("other");
            co_return;
        };
        Event never;
        create_task(says(to));
        const auto first = co_await select(never.wait(), yield());
        CHECK(first.index() == 1);
        to("yielded");
        create_task(says(to));
        const auto second = co_await select(sleep(0s), never.wait());
        CHECK(second.index() == 0);
        to("slept");
    }(log));
    CHECK(log == "other yielded other slept");
}

TEST_CASE("a reference is returned as a pointer, and a move-only result is moved") {
    run_virtual([]() -> Task<> {
        int number = 3;
        auto refers = [](int& to) -> Task<int&> { co_return to; };
        const auto first = co_await select(refers(number), sleep(1s));
        CHECK(std::get<0>(first) == &number);
        auto owns = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
        auto second = co_await select(sleep(1s), owns());
        CHECK(*std::get<1>(second) == 6);
    }());
}

TEST_CASE("cancelling the selecting task unlinks everything, and cancels the Tasks but not the handles") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto other = create_task(with_a_sleep(to, "other", 5s));
        Event event;
        auto selects = [](Log& into, TaskHandle<> handle, Event& e) -> Task<> {
            Mark mark{into, "selecting gone"};
            co_await select(handle, e.wait(), with_a_sleep(into, "own", 9s));
            into("not reached");
        };
        auto task = create_task(selects(to, other, event));
        co_await sleep(1s);
        CHECK(task.cancel());
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK_FALSE(other.done());
        event.set();
        co_await other;
    }(log));
    CHECK(log == "own gone selecting gone other other gone");
}

TEST_CASE("a cancellation takes precedence over a wake that has just happened, and nothing is lost") {
    run_virtual([]() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        Lock lock;
        co_await lock.acquire();
        auto selects = [](ThreadSafeQueue<int, 2>& q, Lock& l) -> Task<> { co_await select(q.get(), l.acquire()); };
        auto task = create_task(selects(queue, lock));
        co_await yield();
        CHECK(queue.put_sync(1));
        lock.release();
        CHECK(task.cancel());
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK(queue.qsize() == 1);
        CHECK_FALSE(lock.locked());
    }());
}

TEST_CASE("a select can have a time limit, and loses nothing by it") {
    run_virtual([]() -> Task<> {
        Event event;
        ThreadSafeQueue<int, 2> queue;
        const auto late = co_await try_wait_for(select(event.wait(), queue.get()), 1s);
        CHECK(late.timed_out());
        CHECK(queue.put_sync(1));
        const auto in_time = co_await try_wait_for(select(event.wait(), queue.get()), 1s);
        CHECK(in_time.has_value());
        const auto own = co_await try_wait_for(select(event.wait(), returns_after(1, 5s)), 1s);
        CHECK(own.timed_out());
        CHECK(Clock::now() == TimePoint{2s});
        event.set();
        const auto set_already = co_await try_wait_for(select(event.wait(), queue.get()), 0s);
        CHECK(set_already.has_value());
    }());
}

TEST_CASE("destroying a loop while a task selects destroys everything") {
    Log log;
    Event event;
    ThreadSafeFlag flag;
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task([](Log& to, Event& e, ThreadSafeFlag& f) -> Task<> {
            Mark mark{to, "selecting gone"};
            co_await select(with_a_sleep(to, "own", 9s), e.wait(), f.wait(), sleep(3s));
        }(log, event, flag));
        loop.poll();
        loop.poll();
    }
    event.set();
    flag.set();
    CHECK(contains(log, "selecting gone"));
    CHECK(contains(log, "own gone"));
}

TEST_CASE("selecting oneself or an empty task is a UsageError") {
    const auto self = misuse_of([] { run_virtual([]() -> Task<> { co_await select(sleep(1s), current_task()); }()); });
    CHECK(contains(self, "rouse: select: a task cannot await itself"));
    const auto empty = misuse_of([] { run_virtual([]() -> Task<> { co_await select(sleep(1s), Task<>{}); }()); });
    CHECK(contains(empty, "rouse: select: an empty Task"));
    const auto no_handle =
        misuse_of([] { run_virtual([]() -> Task<> { co_await select(sleep(1s), TaskHandle<>{}); }()); });
    CHECK(contains(no_handle, "empty TaskHandle"));
}

TEST_CASE("an object may be destroyed as soon as its wait has lost or its task was cancelled") {
    run_virtual([]() -> Task<> {
        auto flag = std::make_unique<ThreadSafeFlag>();
        auto queue = std::make_unique<ThreadSafeQueue<int, 1>>();
        auto event = std::make_unique<ThreadSafeEvent>();
        Event go;
        auto selects = [](ThreadSafeFlag& f, ThreadSafeQueue<int, 1>& q, ThreadSafeEvent& e, Event& g) -> Task<> {
            const auto first = co_await select(f.wait(), q.next(), e.wait(), g.wait());
            CHECK(first.index() == 3);
        };
        const auto task = create_task(selects(*flag, *queue, *event, go));
        co_await yield();
        go.set();
        flag.reset();
        queue.reset();
        event.reset();
        co_await task;
    }());
}

namespace {

// Sets an event while its wait starts. No awaiter of rouse does that.
struct SetsThenYields {
    Event& event;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) const {
        event.set();
        detail::Scheduler::current().park_ready(frame);
    }
    static void await_resume() noexcept {}
};

// Is not ready in await_ready(), but in await_suspend().
struct ReadyAfterAll {
    static bool await_ready() noexcept { return false; }
    static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
    static int await_resume() noexcept { return 7; }
};

// Records which task is the current one.
struct AsksForTask {
    TaskHandle<>& who;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) const {
        who = current_task();
        detail::Scheduler::current().park_ready(frame);
    }
    static void await_resume() noexcept {}
};

} // namespace

TEST_CASE("a wait that is woken while the next one starts has won") {
    run_virtual([]() -> Task<> {
        Event event;
        const auto first = co_await select(event.wait(), SetsThenYields{event});
        CHECK(first.index() == 0);
    }());
}

TEST_CASE("a task is the current one while its waits in a select start") {
    run_virtual([]() -> Task<> {
        TaskHandle<> who;
        Event never;
        co_await select(never.wait(), AsksForTask{who});
        CHECK(who == current_task());
    }());
}

TEST_CASE("a cancellation that comes while a loser cleans up is delivered, even if the winner never waited") {
    run_virtual([]() -> Task<> {
        auto selects = []() -> Task<> {
            auto slow = []() -> Task<> { co_await sleep(9s); };
            co_await select(slow(), ReadyAfterAll{});
            FAIL_CHECK("reached");
        };
        const auto task = create_task(selects());
        auto cancels = [](TaskHandle<> victim) -> Task<> {
            CHECK(victim.cancel());
            co_return;
        };
        create_task(cancels(task));
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
    }());
}

TEST_CASE("a Task that awaits the selected handle is cancelled when that handle wins, and select waits for it") {
    run_virtual([]() -> Task<> {
        auto task = create_task(returns_after(1, 1s));
        auto follows = [](TaskHandle<int> handle) -> Task<> {
            co_await handle;
            co_await sleep(1h);
        };
        const auto first = co_await select(task, follows(task));
        CHECK(first.index() == 0);
        CHECK(Clock::now() == TimePoint{1s});
    }());
}

TEST_CASE("a Task that awaits the task which selects it hangs, but does not overflow the stack") {
    VirtualTimePort port;
    Loop loop{port};
    Event event;
    auto circle = [](Event& other) -> Task<> {
        auto awaits = [](TaskHandle<> outer) -> Task<> { co_await outer.outcome(); };
        co_await select(awaits(current_task()), other.wait());
    };
    const auto task = loop.create_task(circle(event));
    for (int i = 0; i < 5; ++i) loop.poll();
    event.set();
    for (int i = 0; i < 5; ++i) loop.poll();
    CHECK_FALSE(task.done());
}

TEST_CASE("destroying a loop ends the Tasks of a select before the selecting frame") {
    for (int others = 0; others < 4; ++others) {
        Log log;
        VirtualTimePort port;
        {
            Loop loop{port};
            auto outer = [](Log& to) -> Task<> {
                Mark mark{to, "outer"};
                const std::string name = "own, which is long enough for the heap";
                auto own = [](Log& into, const std::string& refers) -> Task<> {
                    const auto guard = on_cancel([&into, &refers] { into(refers.substr(0, 3)); });
                    co_await sleep(1h);
                };
                co_await select(own(to, name), sleep(2h));
            };
            auto idle = []() -> Task<> { co_await sleep(1h); };
            for (int i = 0; i < others; ++i) loop.create_task(idle());
            loop.create_task(outer(log));
            loop.poll();
            loop.poll();
        }
        CHECK(log == "own outer");
    }
}

TEST_CASE("a time limit does not interrupt the cleanup of a loser") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Event event;
        create_task(set_after(event, 900ms));
        auto inner = [](Log& into) -> Task<> {
            Mark mark{into, "cleaned up"};
            co_await sleep(500ms);
        };
        auto group = [&]() -> Task<> { co_await gather(return_exceptions, inner(to)); };
        const auto outcome = co_await try_wait_for(select(event.wait(), group()), 1s);
        CHECK(outcome.has_value());
    }(log));
    CHECK(log == "cleaned up");
}

#if ROUSE_EXCEPTIONS

TEST_CASE("select throws what the winner throws; an exception of a losing Task is reported") {
    Log log;
    VirtualTimePort port;
    Loop loop{port};
    loop.set_exception_handler([&log](std::string_view, const std::exception_ptr&) { log("reported"); });
    loop.run([](Log& to) -> Task<> {
        auto fails = [](Clock::duration after) -> Task<> {
            co_await sleep(after);
            throw std::runtime_error{"failed"};
        };
        std::string what;
        try {
            co_await select(sleep(5s), fails(1s));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "failed");
        auto fails_when_cancelled = [](Log& into) -> Task<> {
            try {
                co_await sleep(9s);
            } catch (const CancelledError&) {
                into("cancelled");
                throw std::runtime_error{"lost"};
            }
        };
        const auto first = co_await select(fails_when_cancelled(to), sleep(1s));
        CHECK(first.index() == 1);
    }(log));
    CHECK(log == "cancelled reported");
}

TEST_CASE("select waits for a Task that ignores its cancellation, and the winner keeps its value meanwhile") {
    run_virtual([]() -> Task<> {
        ThreadSafeQueue<int, 2> queue;
        auto ignores = []() -> Task<int> {
            try {
                co_await sleep(9s);
            } catch (const CancelledError&) {
            }
            co_await sleep(2s);
            co_return 1;
        };
        auto puts = [](ThreadSafeQueue<int, 2>& into) -> Task<> {
            co_await sleep(1s);
            static_cast<void>(into.put_sync(8));
        };
        create_task(puts(queue));
        const auto first = co_await select(ignores(), queue.get());
        CHECK(first.index() == 1);
        CHECK(std::get<1>(first) == 8);
        CHECK(Clock::now() == TimePoint{3s});
        // Late, but still with a value.
        const auto outcome = co_await try_wait_for(select(ignores()), 1s);
        CHECK(outcome.has_value());
    }());
}

TEST_CASE("a handle that was cancelled cancels the select, like awaiting it") {
    run_virtual([]() -> Task<> {
        auto task = create_task(returns_after(1, 5s));
        auto cancels = [](TaskHandle<> victim) -> Task<> {
            victim.cancel();
            co_return;
        };
        create_task(cancels(task));
        bool told = false;
        try {
            co_await select(sleep(9s), task);
        } catch (const CancelledError&) {
            told = true;
        }
        CHECK(told);
    }());
}

#else

TEST_CASE("without exceptions a handle that was cancelled cancels the selecting task") {
    run_virtual([]() -> Task<> {
        auto task = create_task(returns_after(1, 5s));
        auto selects = [](TaskHandle<int> handle) -> Task<> { co_await select(sleep(9s), handle); };
        auto selecting = create_task(selects(task));
        co_await yield();
        task.cancel();
        const auto outcome = co_await selecting.outcome();
        CHECK(outcome.cancelled());
        auto again = create_task(selects(task)); // `task` has ended already
        const auto second = co_await again.outcome();
        CHECK(second.cancelled());
        auto waits_for_outcome = create_task([](TaskHandle<int> handle) -> Task<std::size_t> {
            const auto first = co_await select(sleep(9s), handle.outcome());
            co_return first.index();
        }(task));
        const auto index = co_await waits_for_outcome;
        CHECK(index == 1);
        auto first_wins = [](TaskHandle<int> handle) -> Task<> {
            Event event;
            event.set();
            co_await select(handle, event.wait());
        };
        auto third = create_task(first_wins(task));
        const auto cancelled_by_first = co_await third.outcome();
        CHECK(cancelled_by_first.cancelled());
    }());
}

#endif
