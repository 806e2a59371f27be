#include <rouse/core/loop.hpp>

#include <memory>
#include <thread>
#include <vector>

#if ROUSE_HOSTED
#include <poll.h>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("run returns what main returns, void too") {
    CHECK(run([]() -> Task<int> { co_return 6; }()) == 6);
    run([]() -> Task<> { co_await sleep(1ms); }());
}

TEST_CASE("a task that makes others ready does not run before those that were queued") {
    Log log;
    Event event;
    auto waiter = [&](int n) -> Task<> {
        co_await event.wait();
        log(n);
    };
    auto other = [&]() -> Task<> {
        log("queued");
        co_return;
    };
    auto main = [&]() -> Task<> {
        create_task(waiter(1));
        create_task(waiter(2));
        co_await yield();
        create_task(other());
        event.set();
        log("set");
        co_await yield();
        log("main");
    };
    run_virtual(main());
    CHECK(log == "set queued 1 2 main");
}

TEST_CASE("tasks made just before main ends get their first step, as in CPython, and then are cancelled") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("cancelled"); });
        log("step");
        co_await sleep(1h);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        create_task(worker());
        log("end");
        co_return;
    };
    run_virtual(main());
    CHECK(log == "end step cancelled");
}

TEST_CASE("a task created while the loop is ending is cancelled before it starts") {
    Log log;
    auto late = [&]() -> Task<> {
        log("wrong");
        co_return;
    };
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { create_task(late()); });
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        create_task(worker());
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("run_until_complete leaves the other tasks where they are, and the loop goes on with them") {
    VirtualTimePort port;
    Loop loop{port};
    Log log;
    auto worker = [&]() -> Task<> {
        for (int i = 0; i < 4; ++i) {
            co_await sleep(10ms);
            log(i);
        }
    };
    auto handle = loop.create_task(worker());
    CHECK(loop.run_until_complete([]() -> Task<int> {
        co_await sleep(25ms);
        co_return 1;
    }()) == 1);
    log("between");
    loop.run_until_complete(handle);
    CHECK(log == "0 1 between 2 3");
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("run_forever runs until stop, which lets what is ready run once") {
    VirtualTimePort port;
    Loop loop{port};
    Log log;
    auto stopper = [&]() -> Task<> {
        co_await sleep(1s);
        log("stop");
        loop.stop();
        co_await yield();
        log("after");
    };
    auto other = [&]() -> Task<> {
        co_await sleep(1s);
        log("other");
    };
    loop.create_task(stopper());
    loop.create_task(other());
    loop.run_forever();
    log("stopped");
    loop.stop();
    loop.run_forever();
    CHECK(log == "stop other stopped after");
}

TEST_CASE("stopping before the task of run_until_complete has ended is a clear error") {
    auto stops = [] {
        VirtualTimePort port;
        Loop loop{port};
        auto main = [](Loop& l) -> Task<> {
            l.stop();
            co_await sleep(1h);
        };
        loop.run_until_complete(main(loop));
    };
    CHECK(contains(misuse_of(stops), "stopped before the task had ended"));
}

TEST_CASE("run inside a running loop is a clear error") {
    auto main = []() -> Task<> {
        run_virtual([]() -> Task<> { co_return; }());
        co_return;
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "a loop is running on this thread already"));
}

#if ROUSE_EXCEPTIONS
TEST_CASE("run inside a running loop, of the same or another one, leaves everything as it was") {
    Log log;
    auto never = [&]() -> Task<> {
        log("wrong");
        co_return;
    };
    auto main = [&]() -> Task<> {
        CHECK_THROWS_AS(Loop::current().run(never()), UsageError);
        CHECK_THROWS_AS(Loop::current().run_until_complete(never()), UsageError);
        CHECK_THROWS_AS(run_virtual(never()), UsageError);
        for (int i = 0; i < 3; ++i) co_await yield();
    };
    run_virtual(main());
    CHECK(log == "");
}
#endif

TEST_CASE("run of an empty task is a clear error") {
    CHECK(contains(misuse_of([] { run_virtual(Task<>{}); }), "empty task"));
}

#if ROUSE_HOSTED // threads
TEST_CASE("a second loop works after the first, and one in each of two threads") {
    auto main = [](int n) -> Task<int> {
        co_await sleep(1ms);
        co_return n;
    };
    CHECK(run(main(1)) == 1);
    CHECK(run(main(2)) == 2);
    int other = 0;
    std::thread thread{[&] { other = run(main(3)); }};
    CHECK(run(main(4)) == 4);
    thread.join();
    CHECK(other == 3);
}
#endif

TEST_CASE("a task made before the loop, or beside another one of the thread, runs all the same") {
    auto main = []() -> Task<int> {
        co_await yield();
        co_return 5;
    };
    auto before = main();
    VirtualTimePort port_a, port_b;
    Loop loop_a{port_a};
    auto beside = main();
    Loop loop_b{port_b};
    CHECK(loop_a.run(std::move(before)) == 5);
    CHECK(loop_b.run(std::move(beside)) == 5);
}

TEST_CASE("a loop destroyed with live tasks destroys their frames, innermost first, wherever they wait") {
    Log log;
    {
        VirtualTimePort port;
        Loop loop{port};
        Event event;
        ThreadSafeFlag flag;
        ThreadSafeEvent foreign;
        ThreadSafeQueue<int, 2> queue;
        Lock lock;
        auto inner = [&]() -> Task<> {
            const Mark mark{log, "inner"};
            co_await event.wait();
        };
        auto outer = [&]() -> Task<> {
            const Mark mark{log, "outer"};
            co_await inner();
        };
        auto in = [&](auto awaitable) -> Task<> {
            const Mark mark{log, "waiter"};
            co_await awaitable();
        };
        auto handle = loop.create_task(outer());
        loop.create_task(in([&] { return flag.wait(); }));
        loop.create_task(in([&] { return foreign.wait(); }));
        loop.create_task(in([&] { return queue.next(); }));
        loop.create_task(in([&] { return sleep(1h); }));
        loop.create_task(in([&] { return handle.outcome(); }));
        loop.run_until_complete([](Lock& l) -> Task<> {
            co_await l.acquire();
            co_await yield();
        }(lock));
        loop.create_task(in([&] { return lock.acquire(); }));
        loop.poll();
        loop.create_task(outer()); // never started
        CHECK(log == "");
    }
    // In whichever order the tasks go.
    const std::string text = log;
    CHECK(contains(text, "inner outer"));
    CHECK(text.size() == std::string{"inner outer waiter waiter waiter waiter waiter waiter"}.size());
}

#if ROUSE_HOSTED // descriptors, and several loops
TEST_CASE("a host's own loop drives rouse with poll, next_deadline and native_handle") {
    EpollPort port;
    Loop loop{port};
    CHECK(loop.native_handle() >= 0);
    CHECK(!loop.poll());
    CHECK(loop.next_deadline() == no_deadline);
    Log log;
    auto handle = loop.create_task([](Log& l) -> Task<> {
        l("a");
        co_await sleep(2ms);
        l("b");
    }(log));
    CHECK(loop.next_deadline() == at_once);
    CHECK(!loop.poll());
    CHECK(log == "a");
    CHECK(loop.next_deadline() > port.now());
    while (!handle.done()) {
        std::this_thread::sleep_until(std::chrono::steady_clock::time_point{loop.next_deadline().time_since_epoch()});
        loop.poll();
    }
    CHECK(log == "a b");
    // Cancelling between two polls, from outside of any task.
    auto asleep = loop.create_task([]() -> Task<> { co_await sleep(1h); }());
    loop.poll();
    CHECK(asleep.cancel());
    while (loop.poll()) {
    }
    CHECK(asleep.cancelled());
}

TEST_CASE("a foreign set wakes a host that sleeps on native_handle, which is quiet again after poll") {
    EpollPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    auto handle = loop.create_task([](ThreadSafeFlag& f) -> Task<> {
        co_await f.wait();
        co_await f.wait();
    }(flag));
    CHECK(!loop.poll());
    for (int i = 0; i < 2; ++i) {
        flag.set();
        pollfd watched{loop.native_handle(), POLLIN, 0};
        CHECK(::poll(&watched, 1, 1000) == 1);
        while (loop.poll()) {
        }
        CHECK(::poll(&watched, 1, 0) == 0);
    }
    CHECK(handle.done());
}

TEST_CASE("two loops of one thread: what a host does between polls reaches the loop that it concerns") {
    VirtualTimePort port_a, port_b;
    Loop loop_a{port_a};
    Loop loop_b{port_b};
    Event event;
    auto waiter = [](Event& e) -> Task<> { co_await e.wait(); };
    auto sleeper = []() -> Task<> { co_await sleep(1h); };
    auto a = loop_a.create_task(waiter(event));
    auto asleep = loop_a.create_task(sleeper());
    loop_a.poll();
    event.set();
    CHECK(asleep.cancel());
    loop_b.poll();
    CHECK(!a.done());
    while (loop_a.poll()) {
    }
    CHECK(a.done());
    CHECK(asleep.cancelled());
    CHECK(loop_a.live_tasks() == 0);
    CHECK(loop_b.live_tasks() == 0);
}

TEST_CASE("run_until_complete of a task of another loop is a clear error") {
    CHECK(contains(misuse_of([] {
                       VirtualTimePort port_a, port_b;
                       Loop loop_a{port_a};
                       auto handle = loop_a.create_task([]() -> Task<> { co_return; }());
                       Loop loop_b{port_b};
                       loop_b.run_until_complete(handle);
                   }),
                   "run_until_complete: the task belongs to another loop"));
}
#endif

TEST_CASE("ten thousand tasks run round robin") {
    auto worker = [](int& sum) -> Task<> {
        for (int i = 0; i < 10; ++i) co_await yield();
        ++sum;
    };
    int sum = 0;
    auto main = [&]() -> Task<> {
        std::vector<TaskHandle<>> handles;
        for (int i = 0; i < 10'000; ++i) handles.push_back(create_task(worker(sum)));
        for (auto& handle : handles) co_await handle;
    };
    run_virtual(main());
    CHECK(sum == 10'000);
}

TEST_CASE("co_await outside of a task is a clear error") {
    CHECK(contains(misuse_of([] {
                       VirtualTimePort port;
                       Loop loop{port};
                       detail::Scheduler::running_task();
                   }),
                   "not in a task"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("run throws what main throws, after the rest has been cancelled") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("cancelled"); });
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        create_task(worker());
        co_await yield();
        throw 7;
    };
    CHECK_THROWS_AS(run_virtual(main()), int);
    CHECK(log == "cancelled");
}

TEST_CASE("a loop ends only when a task that cleans up with co_await has finished") {
    Log log;
    auto worker = [&]() -> Task<> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) co_await sleep(1s);
        log("cleaned");
    };
    auto main = [&]() -> Task<> {
        create_task(worker());
        co_await yield();
        log("end");
    };
    run_virtual(main());
    CHECK(log == "end cleaned");
}

#endif
