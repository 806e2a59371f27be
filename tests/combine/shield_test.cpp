#include <rouse/combine/shield.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<int> works(Log& log, Clock::duration time) {
    Mark mark{log, "end of the work"};
    co_await sleep(time);
    log("worked");
    co_return 7;
}

Task<> awaits_shielded(TaskHandle<int> work, Log& log) {
    Mark mark{log, "wait gone"};
    log(co_await shield(work));
}

} // namespace

TEST_CASE("shield returns the value of the task") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 1s));
        const int first = co_await shield(work);
        const int again = co_await shield(work); // it has ended
        const int other = co_await shield(create_task(works(to, 1s)));
        CHECK(first + again + other == 21);
    }(log));
    CHECK(log == "worked end of the work worked end of the work");
}

TEST_CASE("cancelling a task that waits in a shield leaves the shielded task running") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 2s));
        const auto waits = create_task(awaits_shielded(work, to));
        co_await sleep(1s);
        CHECK(waits.cancel());
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
        CHECK(Clock::now() == TimePoint{1s});
        CHECK(!work.done());
        const int value = co_await work;
        CHECK(value == 7);
    }(log));
    CHECK(log == "wait gone worked end of the work");
}

TEST_CASE("a cancellation that meets the end of the shielded task wins, and the value stays in the handle") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 1s));
        TaskHandle<> waits;
        const auto cancels = create_task([](TaskHandle<int> first, TaskHandle<>& second) -> Task<> {
            co_await first;
            second.cancel();
        }(work, waits));
        co_await yield(); // so that `cancels` waits first, and runs when the shield has been woken
        waits = create_task(awaits_shielded(work, to));
        co_await cancels;
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
        CHECK(work.result() == 7);
    }(log));
    CHECK(log == "worked end of the work wait gone");
}

TEST_CASE("a time limit on a shield does not end the shielded task") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 2s));
        const auto early = co_await try_wait_for(shield(work), 1s);
        CHECK(early.timed_out());
        const auto outcome = co_await try_wait_for(shield(work), 2s);
        CHECK(outcome.value() == 7);
    }(log));
    CHECK(log == "worked end of the work");
}

TEST_CASE(
    "shield returns references, copies from a variable, moves what can only be moved, and takes tasks without a "
    "value") {
    static int number = 1;
    run_virtual([]() -> Task<> {
        const auto refers = create_task([]() -> Task<int&> { co_return number; }());
        int& same = co_await shield(refers);
        CHECK(&same == &number);
        auto variable = create_task([]() -> Task<int> { co_return 5; }());
        const int copied = co_await shield(variable);
        CHECK((copied == 5 && variable.result() == 5));
        auto owns = create_task([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); }());
        const auto owned = co_await shield(std::move(owns));
        CHECK(*owned == 3);
        co_await shield(create_task([]() -> Task<> { co_return; }()));
    }());
}

TEST_CASE("a shield is one of the things that select and gather wait for") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 2s));
        const auto first = co_await select(shield(work), sleep(1s));
        CHECK(first.index() == 1);
        CHECK(!work.done());
        const auto [value, none] = co_await gather(shield(work), sleep(1s));
        CHECK(value == 7);
    }(log));
    CHECK(log == "worked end of the work");
}

TEST_CASE("shielding oneself or an empty handle is a UsageError") {
    CHECK(misuse_of([] { run_virtual([]() -> Task<> { co_await shield(current_task()); }()); }) ==
          "rouse: shield: a task cannot await itself; shield the handle of another task" +
              std::string{ROUSE_EXCEPTIONS ? "" : "\n"});
    CHECK(contains(misuse_of([] { run_virtual([]() -> Task<> { co_await shield(TaskHandle<>{}); }()); }),
                   "rouse: co_await of an empty TaskHandle"));
}

#if ROUSE_EXCEPTIONS
namespace {
Task<> fails(const char* what) {
    co_await sleep(1s);
    throw std::runtime_error{what};
}
} // namespace

TEST_CASE("shield throws what the task throws; after the wait was given up, the exception is reported") {
    VirtualTimePort port;
    Loop loop{port};
    std::string reported;
    loop.set_exception_handler([&](std::string_view, std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& each) {
            reported += each.what();
        }
    });
    loop.run([]() -> Task<> {
        const auto first = create_task(fails("first"));
        std::string thrown;
        try {
            co_await shield(first);
        } catch (const std::runtime_error& error) {
            thrown = error.what();
        }
        CHECK(thrown == "first");
        {
            const auto second = create_task(fails("second"));
            const auto early = co_await try_wait_for(shield(second), 500ms);
            CHECK(early.timed_out());
        }
        co_await sleep(1s);
    }());
    CHECK(reported == "second");
}
#else
TEST_CASE("without exceptions a shielded task that is cancelled cancels the one that waits") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        const auto work = create_task(works(to, 1s));
        const auto waits = create_task(awaits_shielded(work, to));
        co_await yield();
        work.cancel();
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
    }(log));
    CHECK(log == "end of the work wait gone");
}
#endif
