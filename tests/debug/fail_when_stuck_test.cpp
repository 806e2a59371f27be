#include <rouse/debug/fail_when_stuck.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> waits(Event& event) { co_await event.wait(); }
Task<> awaits(TaskHandle<> task) { co_await task; }

/// Runs main in virtual time; returns what is said when it is stuck.
template <class F>
std::string said_of(F main) {
    return misuse_of([&] {
        VirtualTimePort port;
        Loop loop{port};
        const FailWhenStuck guard{port, loop};
        loop.run(main());
    });
}

} // namespace

TEST_CASE("when nothing can happen any more in virtual time, the run fails and lists who waits for what") {
    const auto main = []() -> Task<> {
        Event event;
        ThreadSafeFlag flag;
        Lock lock;
        co_await lock.acquire();
        auto first = create_task(waits(event), "first");
        create_task(awaits(first), "second");
        create_task([](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); }(flag), "third");
        co_await sleep(1h); // there is a timer so far
        co_await lock.acquire();
    };
    const std::string text = said_of(main);
    CHECK(contains(text, "rouse: VirtualTimePort: nothing can happen any more"));
    CHECK(contains(text, "task main waits for a Lock\n"));
    CHECK(contains(text, "task first waits for an Event\n"));
    CHECK(contains(text, "task second awaits a task, first\n"));
    CHECK(contains(text, "task third waits for a ThreadSafeFlag\n"));
}

TEST_CASE("a run that ends, timers however late, and wakes of its own tasks are no reason to fail") {
    VirtualTimePort port;
    Loop loop{port};
    const FailWhenStuck guard{port, loop};
    Log log;
    ThreadSafeFlag flag;
    const auto main = [&]() -> Task<> {
        auto waiter = create_task([](ThreadSafeFlag& f, Log& l) -> Task<> {
            co_await f.wait();
            l("set");
        }(flag, log));
        co_await sleep(1000h);
        flag.set();
        co_await waiter;
        const auto outcome = co_await try_wait_for(flag.wait(), 1h);
        log(outcome.timed_out() ? "timed out" : "wrong");
    };
    loop.run(main());
    CHECK(log == "set timed out");
}

TEST_CASE("every kind of run fails when it is stuck") {
    const auto sticks = [](auto run) {
        return misuse_of([&] {
            VirtualTimePort port;
            Loop loop{port};
            const FailWhenStuck guard{port, loop};
            Event never;
            run(loop, never);
        });
    };
    CHECK(contains(sticks([](Loop& loop, Event& never) { loop.run_until_complete(waits(never)); }), "task (unnamed)"));
    CHECK(contains(sticks([](Loop& loop, Event& never) {
                       loop.create_task(waits(never), "forgotten");
                       loop.run_forever();
                   }),
                   "task forgotten waits for an Event"));
    CHECK(contains(sticks([](Loop& loop, Event&) { loop.run_forever(); }), "nothing can happen any more"));
}

#if ROUSE_EXCEPTIONS
TEST_CASE("a task that catches its cancellation and waits again keeps run from ending: this fails, too") {
    const auto stubborn = []() -> Task<> {
        Event never;
        for (int i = 0; i < 2; ++i) {
            try {
                co_await never.wait();
            } catch (const CancelledError&) {
                continue;
            }
        }
    };
    const auto main = [&]() -> Task<> {
        create_task(stubborn(), "stubborn");
        co_await yield();
    };
    CHECK(contains(said_of(main), "task stubborn waits for an Event\n"));
}

TEST_CASE("after it has failed the loop can run again, and its error may outlive everything") {
    std::exception_ptr error;
    {
        VirtualTimePort port;
        Loop loop{port};
        const FailWhenStuck guard{port, loop};
        Event event;
        auto task = loop.create_task(waits(event), "waiter");
        try {
            loop.run_until_complete(task);
        } catch (const StuckError&) {
            error = std::current_exception();
        }
        event.set();
        loop.run_until_complete(task);
        CHECK(task.done());
    }
    REQUIRE(error != nullptr);
    try {
        std::rethrow_exception(error);
    } catch (const UsageError& stuck) {
        CHECK(contains(stuck.what(), "task waiter waits for an Event"));
    }
}
#endif
