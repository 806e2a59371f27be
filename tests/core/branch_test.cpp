#include <rouse/core/branch.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Counts how often what it waits for has happened.
struct Counter : core::Branch {
    Counter() : Branch{happened} {}
    static void happened(core::Branch& branch) noexcept { ++static_cast<Counter&>(branch).count; }
    int count = 0;
};

} // namespace

TEST_CASE("a branch is called where a task would be made ready, once for each wait") {
    VirtualTimePort port;
    Loop loop{port};
    Counter counter;
    core::ListWaiter waiter;
    counter.wait_in(waiter, core::TaskState::waiting_in_list);
    Loop::wake(waiter);
    CHECK(counter.count == 1);
    Loop::wake(waiter); // it waits no more
    CHECK(counter.count == 1);
    counter.wait_in(waiter, core::TaskState::waiting_in_list);
    Loop::wake(waiter);
    CHECK(counter.count == 2);
    CHECK(loop.next_deadline() == forever);
}

TEST_CASE("a branch can wait for a time, without a task") {
    VirtualTimePort port;
    Loop loop{port};
    Counter counter;
    core::Timer timer;
    timer.deadline = TimePoint{1s};
    counter.wait_in(timer, core::TaskState::waiting_for_time);
    loop.add_timer(timer);
    loop.run([](Counter& counts) -> Task<> {
        co_await sleep(999ms);
        CHECK(counts.count == 0);
        co_await sleep(1ms);
        CHECK(counts.count == 1);
    }(counter));
}

TEST_CASE("an awaiter parks the branch that is put in place of the running task") {
    run_virtual([]() -> Task<> {
        Event event;
        Counter counter;
        {
            auto wait = event.wait();
            Loop::in_place_of_task(counter, [&wait] { wait.await_suspend({}); });
            CHECK(counter.state == core::TaskState::waiting_in_list);
            CHECK(current_task().record() != &counter);
            event.set();
            CHECK(counter.count == 1);
        }
        auto round = yield();
        Loop::in_place_of_task(counter, [&round] { round.await_suspend({}); });
        CHECK(counter.state == core::TaskState::ready); // but in no queue: see Race
        co_return;
    }());
}
