// Cancellation of a task in each of its states; the objects' own rules are in their tests.
#include <rouse/rouse.hpp>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("a task cancelled before it started never runs, and its arguments are destroyed") {
    Log log;
    auto worker = [&](std::unique_ptr<Mark>) -> Task<> {
        log("ran");
        co_return;
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker(std::make_unique<Mark>(log, "argument")));
        CHECK(handle.cancel());
        CHECK(!handle.done());
        co_await yield();
        CHECK(handle.done());
        CHECK(handle.cancelled());
        log("main");
    };
    run_virtual(main());
    CHECK(log == "argument main");
}

TEST_CASE("a sleeping task is cancelled at once, innermost frame first") {
    Log log;
    auto inner = [&]() -> Task<> {
        const Mark mark{log, "inner"};
        co_await sleep(1h);
        log("slept");
    };
    auto outer = [&]() -> Task<> {
        const Mark mark{log, "outer"};
        co_await inner();
        log("went-on");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(outer());
        co_await sleep(1s);
        const auto before = Clock::now();
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(Clock::now() == before);
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "inner outer");
}

TEST_CASE("a ready task is cancelled when it is resumed") {
    Log log;
    auto worker = [&]() -> Task<> {
        const Mark mark{log, "unwound"};
        co_await yield();
        log("went-on");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "unwound");
}

TEST_CASE("cancelling a finished task returns false") {
    auto main = []() -> Task<> {
        auto handle = create_task([]() -> Task<int> { co_return 1; }());
        const int value = co_await handle;
        CHECK(value == 1);
        CHECK(!handle.cancel());
        CHECK(!handle.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("cancelling several times is cancelling once") {
    int times = 0;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { ++times; });
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        CHECK(handle.cancel());
        CHECK(handle.cancel());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(!handle.cancel());
    };
    run_virtual(main());
    CHECK(times == 1);
}

TEST_CASE("a task cannot cancel itself") {
    auto main = []() -> Task<> {
        current_task().cancel();
        co_return;
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "a task cannot cancel itself"));
}

TEST_CASE("cancelling is forwarded to the task that is awaited, through any number of them") {
    Log log;
    auto innermost = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("innermost"); });
        co_await sleep(1h);
    };
    auto awaits = [&](TaskHandle<> handle, std::string name) -> Task<> {
        const auto guard = on_cancel([&] { log(name); });
        co_await handle;
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(innermost());
        auto b = create_task(awaits(a, "middle"));
        auto c = create_task(awaits(b, "outermost"));
        co_await sleep(1s);
        CHECK(c.cancel());
        co_await c.outcome();
        CHECK(a.cancelled());
        CHECK(b.cancelled());
        CHECK(c.cancelled());
    };
    run_virtual(main());
    CHECK(log == "innermost middle outermost");
}

TEST_CASE("cancelling wins when the awaited task has just ended") {
    Log log;
    auto child = []() -> Task<int> {
        co_await sleep(1s);
        co_return 1;
    };
    auto parent = [&](TaskHandle<int> handle) -> Task<> {
        const auto guard = on_cancel([&] { log("cancelled"); });
        co_await handle;
        log("went-on");
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(child());
        // Begins to wait for the child before the parent does, so it runs between the child's end and the parent.
        TaskHandle<> b;
        auto c = create_task([](TaskHandle<int> first, TaskHandle<>& second) -> Task<> {
            co_await first;
            CHECK(second.cancel());
        }(a, b));
        co_await yield();
        b = create_task(parent(a));
        co_await b.outcome();
        CHECK(b.cancelled());
        CHECK(a.result() == 1);
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "cancelled");
}

TEST_CASE("what is left when main ends is cancelled and finishes") {
    Log log;
    auto worker = [&](int n) -> Task<> {
        const auto guard = on_cancel([&log, n] { log(n); });
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<int> {
        create_task(worker(1));
        create_task(worker(2));
        co_await yield();
        log("end");
        co_return 5;
    };
    CHECK(run_virtual(main()) == 5);
    CHECK(log == "end 1 2");
}

TEST_CASE("a task cancelled by way of one that awaits it, while it runs, is cancelled when it next suspends") {
    Log log;
    TaskHandle<> outer;
    auto inner = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("inner"); });
        co_await yield();
        CHECK(outer.cancel()); // which awaits this very task
        log("runs-on");
        co_await sleep(1h);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(inner());
        outer = create_task([](TaskHandle<> awaited) -> Task<> { co_await awaited; }(handle));
        co_await outer.outcome();
        CHECK(handle.cancelled());
        CHECK(outer.cancelled());
    };
    run_virtual(main());
    CHECK(log == "runs-on inner");
}

TEST_CASE("a cancellation forwarded to a task that ends all the same is the awaiter's own") {
    Log log;
    TaskHandle<> outer;
    auto inner = [&]() -> Task<int> {
        co_await yield();
        CHECK(outer.cancel()); // which awaits this very task
        co_return 5;
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(inner());
        outer = create_task([](TaskHandle<int> awaited, Log& l) -> Task<> {
            co_await awaited;
            l("went-on");
        }(handle, log));
        co_await outer.outcome();
        CHECK(outer.cancelled());
        CHECK(handle.result() == 5);
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a cancellation forwarded to a running task concerns nobody else who awaits it") {
    Log log;
    TaskHandle<> target;
    auto inner = [&]() -> Task<int> {
        co_await yield();
        CHECK(target.cancel());
        co_return 5;
    };
    auto awaits = [&](TaskHandle<int> handle, std::string name) -> Task<> {
        co_await handle;
        log(name);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(inner());
        auto bystander = create_task(awaits(handle, "bystander"));
        target = create_task(awaits(handle, "target"));
        co_await bystander;
        co_await target.outcome();
        CHECK(target.cancelled());
    };
    run_virtual(main());
    CHECK(log == "bystander");
}

TEST_CASE("a finished task is not cancelled, loop or no loop") {
    TaskHandle<> kept;
    auto main = [&]() -> Task<> {
        kept = create_task([]() -> Task<> { co_return; }());
        co_await kept;
    };
    run_virtual(main());
    CHECK(!kept.cancel());
}

namespace {

// One of each kind of object that a task can wait for.
struct Objects {
    Event event;
    Lock lock;
    ThreadSafeFlag flag;
    ThreadSafeEvent foreign;
    ThreadSafeQueue<int, 1> items;
    ThreadSafeQueue<int, 1> full;

    /// Starts a task that waits in each.
    Task<std::vector<TaskHandle<>>> waiters(Log& log) {
        co_await lock.acquire();
        CHECK(full.put_sync(1));
        std::vector<TaskHandle<>> tasks;
        tasks.push_back(create_task(wait_in([this] { return event.wait(); }, log)));
        tasks.push_back(create_task(wait_in([this] { return lock.acquire(); }, log)));
        tasks.push_back(create_task(wait_in([this] { return flag.wait(); }, log)));
        tasks.push_back(create_task(wait_in([this] { return foreign.wait(); }, log)));
        tasks.push_back(create_task(wait_in([this] { return items.next(); }, log)));
        tasks.push_back(create_task(puts(log)));
        tasks.push_back(create_task(wait_in([] { return sleep(2s); }, log)));
        co_return tasks;
    }

    /// What they wait for happens; but for the sleep.
    void happen() {
        event.set();
        lock.release();
        flag.set();
        foreign.set();
        CHECK(items.put_sync(2));
        CHECK(full.get_sync() == 1);
    }

    /// Nothing of it has been taken.
    void check_untouched() {
        CHECK(event.is_set());
        CHECK(!lock.locked());
        CHECK(flag.is_set());
        CHECK(foreign.is_set());
        CHECK(items.get_sync() == 2);
        CHECK(full.empty());
    }

    template <class F>
    static Task<> wait_in(F begin, Log& log) {
        const auto guard = on_cancel([&log] { log("c"); });
        static_cast<void>(co_await begin());
        log("wrong");
    }
    Task<> puts(Log& log) {
        const auto guard = on_cancel([&log] { log("c"); });
        std::ignore = co_await full.put(3);
        log("wrong");
    }
};

Task<> cancel_all(const std::vector<TaskHandle<>>& tasks) {
    for (const auto& task : tasks) CHECK(task.cancel());
    for (const auto& task : tasks) {
        co_await task.outcome();
        CHECK(task.cancelled());
    }
}

} // namespace

TEST_CASE("a task cancelled while it waits for an object of any kind ends at once, and takes nothing later") {
    Log log;
    Objects objects;
    auto main = [&]() -> Task<> {
        const auto tasks = co_await objects.waiters(log);
        co_await sleep(1s);
        const auto before = Clock::now();
        co_await cancel_all(tasks);
        CHECK(Clock::now() == before);
        CHECK(detail::Scheduler::current().timers().empty());
        objects.happen();
        co_await sleep(1s);
        objects.check_untouched();
    };
    run_virtual(main());
    CHECK(log == "c c c c c c c");
}

TEST_CASE(
    "a task cancelled just as what it waits for happens is cancelled, and nothing is lost, for any kind of object") {
    Log log;
    Objects objects;
    auto main = [&]() -> Task<> {
        const auto tasks = co_await objects.waiters(log);
        // Due at the same instant as the sleep of the last of them, and set before.
        co_await sleep(2s);
        objects.happen();
        co_await cancel_all(tasks);
        objects.check_untouched();
    };
    run_virtual(main());
    CHECK(log == "c c c c c c c");
}

TEST_CASE("a task cancelled while it awaits a child, in which an object has just been signalled, loses nothing") {
    Log log;
    ThreadSafeQueue<int, 1> queue;
    auto child = [&]() -> Task<int> {
        const auto guard = on_cancel([&] { log("child"); });
        co_return co_await queue.get();
    };
    auto parent = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("parent"); });
        co_await child();
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(parent());
        co_await sleep(1s);
        CHECK(queue.put_sync(1));
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(queue.get_sync() == 1);
    };
    run_virtual(main());
    CHECK(log == "child parent");
}

#if ROUSE_EXCEPTIONS

TEST_CASE("a cancelled task gets CancelledError at its co_await; no catch of std::exception takes it") {
    Log log;
    auto worker = [&]() -> Task<> {
        try {
            try {
                co_await sleep(1h);
            } catch (const std::exception&) {
                log("swallowed");
            }
        } catch (const CancelledError&) {
            log("cancelled");
            throw;
        }
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        handle.cancel();
        try {
            co_await handle;
        } catch (const CancelledError&) {
            log("seen");
        }
    };
    run_virtual(main());
    CHECK(log == "cancelled seen");
}

TEST_CASE("a task may catch its cancellation, clean up with co_await, and go on") {
    Log log;
    auto worker = [&]() -> Task<int> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) co_await sleep(1s);
        log("cleaned-up");
        co_return 3;
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        CHECK(handle.cancel());
        const int value = co_await handle;
        CHECK(value == 3);
        CHECK(!handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "cleaned-up");
}

TEST_CASE("a task can be cancelled again while it cleans up") {
    Log log;
    auto worker = [&]() -> Task<> {
        for (int i = 0; i < 2; ++i) {
            bool cancelled = false;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                cancelled = true;
            }
            if (cancelled) log(i);
        }
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await sleep(1s);
        handle.cancel();
        co_await sleep(1s);
        handle.cancel();
        co_await handle;
    };
    run_virtual(main());
    CHECK(log == "0 1");
}

TEST_CASE("a task that is cancelled again while it cleans up with a lock held releases it") {
    Lock lock;
    auto worker = [&]() -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        CHECK(cancelled);
        const auto guard = co_await lock.scoped();
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await sleep(1s);
        CHECK(handle.cancel());
        co_await sleep(1s);
        CHECK(lock.locked());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(!lock.locked());
    };
    run_virtual(main());
}

TEST_CASE("a task cancelled again before it has been told is told once, and goes on if it catches that") {
    int told = 0;
    auto worker = [&]() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            ++told;
        }
        co_await sleep(1s);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        CHECK(handle.cancel());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(!handle.cancelled());
    };
    run_virtual(main());
    CHECK(told == 1);
}

TEST_CASE("a task that throws CancelledError itself is cancelled") {
    auto main = []() -> Task<> {
        auto handle = create_task([]() -> Task<> {
            co_await yield();
            throw CancelledError{};
        }());
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
}

#else

TEST_CASE("without exceptions awaiting a cancelled task cancels the awaiter the same way") {
    Log log;
    auto awaits = [&](TaskHandle<> handle) -> Task<> {
        const auto guard = on_cancel([&] { log("awaiter"); });
        co_await handle;
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task([]() -> Task<> { co_await sleep(1h); }());
        auto early = create_task(awaits(handle));
        co_await yield();
        handle.cancel();
        co_await early.outcome();
        CHECK(early.cancelled());
        auto late = create_task(awaits(handle)); // the task is cancelled already
        co_await late.outcome();
        CHECK(late.cancelled());
    };
    run_virtual(main());
    CHECK(log == "awaiter awaiter");
}

#endif
