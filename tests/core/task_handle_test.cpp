#include <rouse/core/task_handle.hpp>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <unistd.h>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("create_task queues: nothing runs before the creator suspends, then first in first out") {
    Log log;
    auto worker = [&](int n) -> Task<> {
        log(n);
        co_await yield();
        log(n + 10);
    };
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(worker(i));
        log("created");
        co_await yield();
        log("main");
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "created 1 2 3 main 11 12 13");
}

TEST_CASE("dropping the handle does not stop the task") {
    Log log;
    auto worker = [&]() -> Task<> {
        co_await sleep(1s);
        log("ran");
    };
    auto main = [&]() -> Task<> {
        create_task(worker());
        co_await sleep(2s);
    };
    run_virtual(main());
    CHECK(log == "ran");
}

TEST_CASE("any number of tasks may await one handle, and go on in the order in which they began to wait") {
    Log log;
    auto waiter = [&](int n, TaskHandle<int> handle) -> Task<> {
        const int value = co_await handle;
        log(n * 100 + value);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(returns_after(7, 10ms));
        for (int i = 1; i <= 4; ++i) create_task(waiter(i, handle));
        co_await yield();
        const int first = co_await handle;
        const int again = co_await handle;
        CHECK(first == 7);
        CHECK(again == 7);
        log("main");
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "107 207 307 407 main");
}

TEST_CASE("a result that can only be moved goes to the first who awaits") {
    auto main = []() -> Task<> {
        auto handle = create_task([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); }());
        const auto pointer = co_await handle;
        CHECK(*pointer == 3);
    };
    run_virtual(main());
}

TEST_CASE("done, cancelled, name and comparison tell about the task") {
    auto main = []() -> Task<> {
        auto handle = create_task(returns_after(1, 10ms), "the one");
        TaskHandle<> any = handle;
        CHECK(!handle.done());
        CHECK(handle.name() == "the one");
        CHECK(any == handle);
        co_await any;
        CHECK(handle.done());
        CHECK(!handle.cancelled());
        CHECK(handle.result() == 1);
        CHECK(create_task(returns_after(1, 0ms)).name() == "");
    };
    run_virtual(main());
}

TEST_CASE("an empty handle is done, cannot be cancelled, and awaiting it is a clear error") {
    TaskHandle<int> empty;
    CHECK(!empty);
    CHECK(empty.done());
    CHECK(!empty.cancel());
    auto main = [&]() -> Task<> { co_await empty; };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "co_await of an empty TaskHandle"));
}

TEST_CASE("a handle may outlive its loop and still tell the result") {
    TaskHandle<int> kept;
    TaskHandle<int> unfinished;
    auto main = [&]() -> Task<> {
        kept = create_task(returns_after(9, 1ms));
        co_await kept;
        unfinished = create_task(returns_after(9, 1h));
    };
    run_virtual(main());
    CHECK(kept.done());
    CHECK(kept.result() == 9);
    CHECK(unfinished.done());
    CHECK(unfinished.cancelled());
}

TEST_CASE("a task's arguments end with it, before the tasks that await it resume") {
    Log log;
    Lock lock;
    auto holds = [&](Lock::Guard, std::shared_ptr<Mark>) -> Task<int> {
        co_await yield();
        co_return 7;
    };
    auto main = [&]() -> Task<> {
        const auto task = create_task(holds(co_await lock.scoped(), std::make_shared<Mark>(log, "argument")));
        const int value = co_await task;
        log(value);
        CHECK(!lock.locked());
        CHECK(task.result() == 7); // the value stays
    };
    run_virtual(main());
    CHECK(log == "argument 7");
}

TEST_CASE("a task that holds its own handle ends, and its memory is used again") {
    Log log;
    auto holds = [](std::shared_ptr<TaskHandle<>>, std::shared_ptr<Mark>) -> Task<> { co_return; };
    VirtualTimePort port;
    Loop loop{port};
    detail::TaskRecord* first = nullptr;
    for (int i = 0; i < 2; ++i) {
        auto own = std::make_shared<TaskHandle<>>();
        *own = loop.create_task(holds(own, std::make_shared<Mark>(log, "ended")));
        if (i == 0) first = record_of(*own);
        CHECK(record_of(*own) == first);
        own = nullptr;
        while (loop.poll()) {
        }
    }
    CHECK(log == "ended ended");
}

TEST_CASE("a result is destroyed with the last handle, also after the loop has ended") {
    Log log;
    auto returns = [](Log& l) -> Task<std::unique_ptr<Mark>> { co_return std::make_unique<Mark>(l, "result"); };
    TaskHandle<> kept;
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(returns(log));
        while (loop.poll()) {
        }
        CHECK(log == "result");
        kept = loop.create_task(returns(log), "with a name");
        while (loop.poll()) {
        }
        log("loop");
    }
    log("handle");
    kept = {};
    CHECK(log == "result loop handle result");
}

TEST_CASE("handles can be the keys of hashed containers") {
    auto work = []() -> Task<int> { co_return 1; };
    VirtualTimePort port;
    Loop loop{port};
    const auto a = loop.create_task(work());
    const auto b = loop.create_task(work());
    std::unordered_set<TaskHandle<>> all{a, b, a, TaskHandle<>{}};
    CHECK(all.size() == 3);
    CHECK(all.count(b) == 1);
    CHECK(all.count({}) == 1);
    CHECK(std::hash<TaskHandle<int>>{}(a) == std::hash<TaskHandle<>>{}(a));
}

TEST_CASE("current_task is the task that runs, also in its children, and an error outside of a task") {
    auto child = []() -> Task<TaskHandle<>> { co_return current_task(); };
    auto main = [&]() -> Task<> {
        const auto self = current_task();
        const auto in_child = co_await child();
        CHECK(self == in_child);
        CHECK(self.name() == "main");
        CHECK(!self.done());
    };
    run_virtual(main());
    CHECK(contains(misuse_of([] { current_task(); }), "not in a task"));
}

TEST_CASE("create_task where no loop is is a clear error") {
    CHECK(contains(misuse_of([] { create_task(returns_after(1, 1ms)); }), "no loop on this thread"));
}

TEST_CASE("a task that awaits itself, or one that awaits it, is a clear error") {
    auto self = []() -> Task<> { co_await current_task(); };
    CHECK(contains(misuse_of([&] { run_virtual(self()); }), "cannot await itself"));

    TaskHandle<> first;
    auto second = [&]() -> Task<> { co_await first; };
    auto main = [&]() -> Task<> {
        first = current_task();
        co_await create_task(second());
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "nor a task that awaits it"));
}

#if ROUSE_HOSTED // threads, and several loops
TEST_CASE("a task awaited or cancelled on another loop is a clear error") {
    VirtualTimePort port_a, port_b;
    Loop loop_b{port_b};
    auto handle = loop_b.create_task(returns_after(1, 1ms));
    auto awaits = [&]() -> Task<> { co_await handle; };
    auto cancels = [&]() -> Task<> {
        handle.cancel();
        co_return;
    };
    CHECK(contains(misuse_of([&] {
                       Loop loop_a{port_a};
                       loop_a.run(awaits());
                   }),
                   "belongs to another loop"));
    std::string message;
    std::thread other{[&] {
        message = misuse_of([&] {
            Loop loop_a{port_a};
            loop_a.run(cancels());
        });
    }};
    other.join();
    CHECK(contains(message, "belongs to the loop of another thread"));
}

namespace {

// A coroutine whose frame is too large for the pool, if `large`.
template <bool large>
Task<int> made_elsewhere(std::shared_ptr<Mark>) {
    [[maybe_unused]] volatile char room[large ? 4000 : 1] = {};
    co_await sleep(1ms);
    co_return room[0] + 7;
}

} // namespace

TEST_CASE("a task made on the thread of another loop is a clear error, and its frame ends with that loop") {
    Log log;
    std::string message;
    {
        VirtualTimePort port;
        Loop loop{port};
        auto small = made_elsewhere<false>(std::make_shared<Mark>(log, "small"));
        auto large = made_elsewhere<true>(std::make_shared<Mark>(log, "large"));
        std::thread other{[&] {
            message = misuse_of([&] { run_virtual(std::move(small)); });
            misuse_of([&] { run_virtual(std::move(large)); });
        }};
        other.join();
        log("loop");
    }
    CHECK(contains(message, "made on the thread of another loop"));
    CHECK((!ROUSE_EXCEPTIONS || log == "loop large small"));
}

TEST_CASE("a task made on a thread that has ended runs on another, or is dropped there") {
    Log log;
    Task<int> tasks[6];
    std::thread{[&] {
        VirtualTimePort port;
        Loop loop{port};
        for (auto& task : tasks) {
            const bool large = &task - tasks >= 3;
            auto mark = std::make_shared<Mark>(log, large ? "large" : "small");
            task = large ? made_elsewhere<true>(std::move(mark)) : made_elsewhere<false>(std::move(mark));
        }
    }}.join();
    for (auto& task : tasks) {
        if (&task == &tasks[2] || &task == &tasks[5]) continue; // dropped below
        int result = 0;
        auto awaits = [](Task<int> inner) -> Task<int> { co_return co_await inner; };
        const bool as_child = (&task - tasks) % 2 == 1;
        const auto runs = [&] { result = run_virtual(as_child ? awaits(std::move(task)) : std::move(task)); };
        if (&task == &tasks[0] || &task == &tasks[3]) {
            runs();
        } else { // a thread whose thread-local objects may be where those of the first were
            std::thread{runs}.join();
        }
        CHECK(result == 7);
    }
    CHECK(log == "small small large large");
    std::thread a{[&] { tasks[2] = {}; }};
    a.join();
    std::thread b{[&] { tasks[5] = {}; }};
    b.join();
    CHECK(log == "small small large large small large");
}

TEST_CASE("threads may drop the tasks of a loop that has ended at the same time") {
    constexpr int count = 200;
    std::vector<Task<int>> tasks(count);
    auto counted = std::make_shared<int>(0);
    auto holds = [](std::shared_ptr<int>) -> Task<int> { co_return 1; };
    std::thread{[&] {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < count; ++i)
            tasks[static_cast<std::size_t>(i)] = i % 2 == 0 ? holds(counted) : made_elsewhere<true>(nullptr);
    }}.join();
    const auto drop = [&](std::size_t from) {
        for (std::size_t i = from; i < count; i += 4) {
            tasks[i] = {};
            tasks[i + 1] = {};
        }
    };
    std::thread a{[&] { drop(0); }};
    std::thread b{[&] { drop(2); }};
    a.join();
    b.join();
    CHECK(counted.use_count() == 1);
}

TEST_CASE("create_task of a loop that runs on another thread is a clear error, and the task is not lost") {
    VirtualTimePort port;
    Loop loop{port};
    std::string message;
    int value = 0;
    auto main = [&]() -> Task<> {
        Task<int> refused;
        std::thread other{[&] {
            refused = returns_after(5, 1ms);
            message = misuse_of([&] { loop.create_task(std::move(refused)); });
        }};
        other.join();
        value = co_await refused;
    };
    loop.run(main());
    CHECK(contains(message, "the loop runs on another thread"));
    CHECK(value == 5);
}
#endif

TEST_CASE("outcome tells how a task ended, and a cancelled one does not cancel who asks") {
    auto main = []() -> Task<> {
        auto good = create_task(returns_after(4, 1ms));
        Outcome<int> value = co_await good.outcome();
        CHECK(value.has_value());
        CHECK(value.value() == 4);

        auto cancelled = create_task(returns_after(4, 1h));
        co_await yield();
        cancelled.cancel();
        const Outcome<int> nothing = co_await cancelled.outcome();
        CHECK(nothing.cancelled());
        CHECK(!nothing.has_value());
        CHECK(!nothing.timed_out());
    };
    run_virtual(main());
}

#if ROUSE_EXCEPTIONS

TEST_CASE("awaiting a task that threw throws the same, to everyone who awaits, and into the outcome") {
    auto thrower = []() -> Task<> {
        co_await yield();
        throw 42;
    };
    int caught = 0;
    auto waiter = [&](TaskHandle<> handle) -> Task<> {
        try {
            co_await handle;
        } catch (int value) {
            caught += value;
        }
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(thrower());
        auto a = create_task(waiter(handle)), b = create_task(waiter(handle));
        co_await a;
        co_await b;
        auto outcome = co_await handle.outcome();
        CHECK(!outcome.has_value());
        CHECK(outcome.error() != nullptr);
        CHECK_THROWS_AS(outcome.value(), int);
        CHECK_THROWS_AS(handle.result(), int);
    };
    run_virtual(main());
    CHECK(caught == 84);
}

TEST_CASE("an uncaught exception of a task that nobody awaits goes to the exception handler, once") {
    Log log;
    auto thrower = [](const char* what) -> Task<> {
        co_await yield();
        throw std::runtime_error{what};
    };
    auto main = [&]() -> Task<> {
        Loop::current().set_exception_handler([&](std::string_view name, std::exception_ptr error) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                log(std::string{name} + ":" + e.what());
            }
        });
        create_task(thrower("dropped"), "a");
        co_await sleep(1ms);
        log("then");
        auto held = create_task(thrower("held"), "b");
        co_await sleep(1ms);
        log("not-yet");
        held = {};
        log("after");
        auto awaited = create_task(thrower("awaited"), "c");
        try {
            co_await awaited;
        } catch (const std::exception&) {
            log("caught");
        }
    };
    run_virtual(main());
    CHECK(log == "a:dropped then not-yet b:held after caught");
}

TEST_CASE("an exception handler may replace itself, stop the loop, and drop the handle of another failed task") {
    Log log;
    auto thrower = []() -> Task<> {
        throw std::runtime_error{"it broke"};
        co_return;
    };
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> other = loop.create_task(thrower(), "other");
    auto owned = std::make_shared<Mark>(log, "handler-gone");
    loop.set_exception_handler([&, owned = std::move(owned)](std::string_view name, std::exception_ptr) {
        log(std::string{name});
        if (name == "other") return; // from inside the call below
        loop.set_exception_handler(
            [&](std::string_view later, std::exception_ptr) { log("second:" + std::string{later}); });
        other = {}; // reported by the second
        loop.stop();
        log("still-" + std::to_string(owned.use_count()));
    });
    loop.create_task(thrower(), "first");
    loop.run_forever();
    log("then");
    loop.create_task(thrower(), "last");
    while (loop.poll()) {
    }
    CHECK(log == "first second:other still-1 handler-gone then second:last");
}

TEST_CASE("the default exception handler prints the task's name and what() to stderr") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int saved = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    auto thrower = [](bool standard) -> Task<> {
        if (standard) throw std::runtime_error{"it broke"};
        throw 42;
        co_return;
    };
    auto main = [&]() -> Task<> {
        create_task(thrower(true), "worker");
        create_task(thrower(false));
        co_await yield();
    };
    run_virtual(main());
    std::fflush(stderr);
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    ::close(ends[1]);
    char text[512] = {};
    CHECK(::read(ends[0], text, sizeof text - 1) > 0);
    ::close(ends[0]);
    CHECK(contains(text, "task worker ended with an exception that no one awaited: it broke"));
    CHECK(contains(text, "task (unnamed) ended with an exception that no one awaited: not a std::exception"));
}

#endif
