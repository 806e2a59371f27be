#include <rouse/core/detail/waiter.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Counts how often what it waits for has happened.
struct Counter : detail::Branch {
    Counter() : Branch{happened} {}
    static void happened(detail::Branch& branch) noexcept { ++static_cast<Counter&>(branch).count; }
    int count = 0;
};

} // namespace

TEST_CASE("a branch is called where a task would be made ready, once for each wait") {
    VirtualTimePort port;
    Loop loop{port};
    Counter counter;
    detail::ListWaiter waiter;
    counter.wait_in(waiter, detail::TaskState::waiting_in_event);
    detail::Scheduler::wake(waiter);
    CHECK(counter.count == 1);
    detail::Scheduler::wake(waiter); // it waits no more
    CHECK(counter.count == 1);
    counter.wait_in(waiter, detail::TaskState::waiting_in_event);
    detail::Scheduler::wake(waiter);
    CHECK(counter.count == 2);
    CHECK(loop.next_deadline() == no_deadline);
}

TEST_CASE("a branch can wait for a time, without a task") {
    VirtualTimePort port;
    Loop loop{port};
    Counter counter;
    detail::Timer timer;
    timer.deadline = TimePoint{1s};
    counter.wait_in(timer, detail::TaskState::waiting_for_time);
    detail::scheduler_of(loop).add_timer(timer);
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
            detail::Scheduler::in_place_of_task(counter, [&wait] { wait.await_suspend({}); });
            CHECK(counter.state == detail::TaskState::waiting_in_event);
            CHECK(record_of(current_task()) != &counter);
            event.set();
            CHECK(counter.count == 1);
        }
        auto round = yield();
        detail::Scheduler::in_place_of_task(counter, [&round] { round.await_suspend({}); });
        CHECK(counter.state == detail::TaskState::ready); // but in no queue: see Race
        co_return;
    }());
}
