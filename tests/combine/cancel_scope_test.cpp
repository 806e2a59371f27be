#include <rouse/combine/cancel_scope.hpp>

#include <memory>
#include <string>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Says whether it was cancelled, and when it ends.
Task<int> works(Log& log, Clock::duration time) {
    Mark mark{log, "end"};
    const auto cancelled = on_cancel([&log] { log("cancelled"); });
    co_await sleep(time);
    log("worked");
    co_return 7;
}

std::string in_words(const Outcome<int>& outcome) {
    if (outcome.cancelled()) return "the outcome is cancelled";
    if (outcome.timed_out()) return "the outcome is late";
    return outcome.has_value() ? "the outcome is a value" : "the outcome is an error";
}

// Runs a task in a scope, and says how that ended.
Task<> runs(CancelScope& scope, Task<int> task, Log& log) {
    Mark mark{log, "run gone"};
    const auto outcome = co_await scope.run(std::move(task));
    log(in_words(outcome));
}

Task<> cancels(CancelScope& scope, Clock::duration after) {
    co_await sleep(after);
    scope.cancel();
}

} // namespace

TEST_CASE("a scope that is not cancelled returns the value of its task, when the task has ended") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto outcome = co_await scope.run(works(to, 2s));
        CHECK(outcome.value() == 7);
        CHECK(!scope.cancelled());
        CHECK(Clock::now() == TimePoint{2s});
    }(log));
    CHECK(log == "worked end");
}

TEST_CASE("cancelling a scope cancels its task, and the task that awaits it continues") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        create_task(cancels(scope, 1s));
        const auto outcome = co_await scope.run(works(to, 2s));
        CHECK(outcome.cancelled());
        CHECK(!outcome.timed_out());
        CHECK(scope.cancelled());
        CHECK(Clock::now() == TimePoint{1s});
        co_await sleep(1s); // the task itself was not cancelled
        to("continued");
    }(log));
    CHECK(log == "cancelled end continued");
}

TEST_CASE("a scope passes values, references, nothing, and what can only be moved") {
    static int number = 1;
    run_virtual([]() -> Task<> {
        CancelScope scope;
        auto owner = co_await scope.run([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); }());
        CHECK(*std::move(owner).value() == 3);
        auto refers = co_await scope.run([]() -> Task<int&> { co_return number; }());
        CHECK(&refers.value() == &number);
        const auto nothing = co_await scope.run([]() -> Task<> { co_return; }());
        CHECK(nothing.has_value());
    }());
}

TEST_CASE("a time limit cancels the task of a scope, counts from the co_await, and does not cancel the scope") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        auto run = scope.run(works(to, 5s), 2s);
        co_await sleep(1s);
        const auto outcome = co_await std::move(run);
        CHECK(outcome.timed_out());
        CHECK(!outcome.cancelled());
        CHECK(!scope.cancelled());
        CHECK(Clock::now() == TimePoint{3s});
        const auto again = co_await scope.run(works(to, 1s), 2s);
        CHECK(again.value() == 7);
        co_await sleep(5s); // no timer is left that cancels anything
    }(log));
    CHECK(log == "cancelled end worked end");
}

TEST_CASE("with a zero or negative time limit the task of a scope never begins, and the longest limit is none") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto zero = co_await scope.run(works(to, 1s), 0s);
        CHECK(zero.timed_out());
        const auto negative = co_await scope.run(works(to, 1s), -1s);
        CHECK(negative.timed_out());
        CHECK(to == "");
        const auto never = co_await scope.run(works(to, 1s), (std::chrono::hours::max)());
        CHECK(never.has_value());
    }(log));
    CHECK(log == "worked end");
}

TEST_CASE("a task that is run in a cancelled scope never begins, but lets the other tasks run") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        scope.cancel();
        bool others_ran = false;
        create_task([](bool& ran) -> Task<> {
            ran = true;
            co_return;
        }(others_ran));
        const auto outcome = co_await scope.run(works(to, 1s), 1s);
        CHECK(outcome.cancelled());
        CHECK(others_ran);
        CHECK(Clock::now() == TimePoint{});
    }(log));
    CHECK(log == "");
}

TEST_CASE("a task may cancel the scope that it runs in, and is cancelled at its next co_await that waits") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto task = [](CancelScope& own, Log& words) -> Task<int> {
            own.cancel();
            words("still running");
            co_await yield();
            words("wrong");
            co_return 1;
        };
        const auto outcome = co_await scope.run(task(scope, to));
        CHECK(outcome.cancelled());
        CancelScope other;
        const auto returns = [](CancelScope& own) -> Task<int> {
            own.cancel();
            co_return 2;
        };
        const auto value = co_await other.run(returns(other));
        CHECK(value.value() == 2);
    }(log));
    CHECK(log == "still running");
}

TEST_CASE("cancelling the task that awaits a scope cancels the task inside first, and is not absorbed") {
    for (const bool scope_too : {false, true}) {
        Log log;
        run_virtual([](bool both, Log& to) -> Task<> {
            CancelScope scope;
            const auto waits = create_task(runs(scope, works(to, 2s), to));
            co_await sleep(1s);
            if (both) scope.cancel();
            CHECK(waits.cancel());
            const auto ended = co_await waits.outcome();
            CHECK(ended.cancelled());
            CHECK(scope.cancelled() == both);
        }(scope_too, log));
        CHECK(log == "cancelled end run gone");
    }
}

TEST_CASE("a cancellation that meets the end of the task inside is not absorbed either") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        TaskHandle<> waits;
        auto inside = [](Log& words, TaskHandle<>& awaiting) -> Task<int> {
            co_await sleep(1s);
            words("inside");
            awaiting.cancel();
            co_return 1;
        };
        waits = create_task(runs(scope, inside(to, waits), to));
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
    }(log));
    CHECK(log == "inside run gone");
}

TEST_CASE("if the task inside is cancelled by its handle, so is the task that awaits the scope") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        TaskHandle<> inside;
        auto work = [](Log& words, TaskHandle<>& own) -> Task<int> {
            own = current_task();
            const int value = co_await works(words, 2s);
            co_return value;
        };
        const auto waits = create_task(runs(scope, work(to, inside), to));
        co_await sleep(1s);
        CHECK(inside.cancel());
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
        CHECK(!scope.cancelled());
        co_await sleep(1s); // this task was not cancelled
        to("continued");
    }(log));
    CHECK(log == "cancelled end run gone continued");
}

TEST_CASE("if the task inside awaits a task that is cancelled, so is the task that awaits the scope") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto work = create_task(works(to, 2s));
        auto awaits = [](TaskHandle<int> other) -> Task<int> { co_return co_await other; };
        const auto waits = create_task(runs(scope, awaits(work), to));
        co_await sleep(1s);
        work.cancel();
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
    }(log));
    CHECK(log == "cancelled end run gone");
}

TEST_CASE("a cancellation of the scope after its task was cancelled by another is not taken for the cause") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto work = create_task(works(to, 2s));
        auto awaits = [](TaskHandle<int> other) -> Task<int> { co_return co_await other; };
        const auto waits = create_task(runs(scope, awaits(work), to));
        co_await sleep(1s);
        work.cancel();
        const auto notices = create_task([](TaskHandle<int> other, CancelScope& late) -> Task<> {
            static_cast<void>(co_await other.outcome());
            co_await yield();
            late.cancel(); // the task inside has ended, and run() has not been resumed
        }(work, scope));
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
    }(log));
    CHECK(log == "cancelled end run gone");
}

TEST_CASE("a scope is free when its task has ended, even before run() has returned") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        TaskHandle<> inside;
        auto work = [](TaskHandle<>& own) -> Task<int> {
            own = current_task();
            for (int i = 0; i < 3; ++i) co_await yield();
            co_return 1;
        };
        create_task([](CancelScope& of_another, TaskHandle<>& other, Log& words) -> Task<> {
            co_await yield();
            while (!other.done()) co_await yield();
            const auto outcome = co_await of_another.run(works(words, 1s));
            words(in_words(outcome));
        }(scope, inside, to));
        const auto first = co_await scope.run(work(inside));
        CHECK(first.value() == 1);
        to("first");
        co_await sleep(2s);
    }(log));
    CHECK(log == "first worked end the outcome is a value");
}

TEST_CASE("of two scopes, one inside the other, each absorbs its own cancellation") {
    for (const bool outer_is_cancelled : {false, true}) {
        Log log;
        run_virtual([](bool cancel_outer, Log& to) -> Task<> {
            CancelScope outer;
            CancelScope inner;
            auto nested = [](CancelScope& scope, Log& words) -> Task<int> {
                const auto outcome = co_await scope.run(works(words, 2s));
                words("inner: " + in_words(outcome));
                co_return 1;
            };
            create_task(cancels(cancel_outer ? outer : inner, 1s));
            const auto outcome = co_await outer.run(nested(inner, to));
            to("outer: " + in_words(outcome));
        }(outer_is_cancelled, log));
        CHECK(log == (outer_is_cancelled
                          ? "cancelled end outer: the outcome is cancelled"
                          : "cancelled end inner: the outcome is cancelled outer: the outcome is a value"));
    }
}

TEST_CASE("a scope that is destroyed during a run leaves its task alone") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        auto scope = std::make_unique<CancelScope>();
        const auto waits = create_task(runs(*scope, works(to, 2s), to));
        co_await sleep(1s);
        scope.reset();
        co_await waits;
    }(log));
    CHECK(log == "worked end the outcome is a value run gone");
}

TEST_CASE("a run is one of the things that select, gather and TaskGroup wait for") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto first = co_await select(scope.run(works(to, 2s)), sleep(1s));
        CHECK(first.index() == 1);
        CHECK(!scope.cancelled());
        CHECK(to == "cancelled end");
        create_task(cancels(scope, 1s));
        const auto [outcome, number] = co_await gather(scope.run(works(to, 2s)), returns_after(3, 3s));
        CHECK(outcome.cancelled());
        CHECK(number == 3);
    }(log));
    CHECK(log == "cancelled end cancelled end");
}

TEST_CASE("a loop that ends during a run destroys the task and the run") {
    Log log;
    {
        CancelScope scope;
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(runs(scope, works(log, 1s), log));
        for (int i = 0; i < 3; ++i) loop.poll();
    }
    CHECK(contains(log, "end"));
    CHECK(contains(log, "run gone"));
    CHECK(!contains(log, "outcome"));
}

TEST_CASE("an empty Task in a scope, and a second one at the same time, are UsageErrors") {
    CHECK(contains(misuse_of([] {
                       run_virtual([]() -> Task<> {
                           CancelScope scope;
                           co_await scope.run(Task<int>{});
                       }());
                   }),
                   "rouse: an empty Task cannot be awaited: it was moved from, or its frame could not be allocated"));
    CHECK(contains(misuse_of([] {
                       run_virtual([]() -> Task<> {
                           CancelScope scope;
                           co_await gather(scope.run(returns_after(1, 1s)), scope.run(returns_after(2, 1s)));
                       }());
                   }),
                   "rouse: CancelScope::run: a task is running in the scope already; use a CancelScope for each, or a "
                   "TaskGroup"));
}

#if ROUSE_EXCEPTIONS
TEST_CASE("what the task of a scope throws is its outcome, even in reply to the cancellation") {
    run_virtual([]() -> Task<> {
        CancelScope scope;
        const auto fails = []() -> Task<int> {
            co_await sleep(1s);
            throw std::runtime_error{"failed"};
        };
        const auto failed = co_await scope.run(fails());
        CHECK_THROWS_WITH(failed.value(), "failed");
        create_task(cancels(scope, 1s));
        const auto fails_to_clean_up = []() -> Task<int> {
            try {
                co_await sleep(2s);
            } catch (const CancelledError&) {
                throw std::runtime_error{"no cleanup"};
            }
            co_return 1;
        };
        const auto replied = co_await scope.run(fails_to_clean_up());
        CHECK_THROWS_WITH(replied.value(), "no cleanup");
    }());
}

namespace {

// Cleans up after each cancellation, and returns nonetheless.
Task<int> cleans_up(Log& log, int times) {
    for (int i = 0; i < times; ++i) {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cleanup");
        }
    }
    co_return 5;
}

} // namespace

TEST_CASE("a task that returns despite the cancellation of its scope, or its time limit, gives its value") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto late = co_await scope.run(cleans_up(to, 1), 1s);
        CHECK(late.value() == 5);
        create_task(cancels(scope, 1s));
        const auto cancelled = co_await scope.run(cleans_up(to, 1));
        CHECK(cancelled.value() == 5);
    }(log));
    CHECK(log == "cleanup cleanup");
}

TEST_CASE("cancelling a scope ends its time limit, and cancelling it twice cancels its task twice") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        create_task(cancels(scope, 1s));
        create_task(cancels(scope, 10s));
        const auto outcome = co_await scope.run(cleans_up(to, 2), 5s);
        CHECK(outcome.value() == 5);
        CHECK(Clock::now() == TimePoint{10s});
    }(log));
    CHECK(log == "cleanup cleanup");
}

TEST_CASE("a task that catches what a scope throws continues") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        CancelScope scope;
        const auto work = create_task(works(to, 2s));
        auto awaits = [](TaskHandle<int> other) -> Task<int> { co_return co_await other; };
        create_task([](TaskHandle<int> other) -> Task<> {
            co_await sleep(1s);
            other.cancel();
        }(work));
        try {
            co_await scope.run(awaits(work));
            to("wrong");
        } catch (const CancelledError&) {
            to("caught");
        }
        const auto outcome = co_await scope.run(works(to, 1s));
        CHECK(outcome.has_value());
    }(log));
    CHECK(log == "cancelled end caught worked end");
}
#endif
