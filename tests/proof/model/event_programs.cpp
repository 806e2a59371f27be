// ThreadSafeEvent: set, wait, clear, cancel, time limits, and the end of the event, its tasks, and its loop.
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::Task;
using rouse::ThreadSafeEvent;

Task<> wait_for_both(ThreadSafeEvent& event, const Mark& a, const Mark& b, int last) {
    for (;;) {
        co_await event.wait();
        event.clear();
        if (a.read() == last && b.read() == last) break;
    }
}

// Two contexts, each of which sets the event `times` times.
template <int times>
void set_and_clear() {
    ThreadSafeEvent event;
    Mark marks[2];
    set_from_two(event, marks, times);
    int last = times;
    check::run(wait_for_both, event, marks[0], marks[1], last);
    join();
}

Task<> two_waiters(ThreadSafeEvent& event) {
    auto other = rouse::create_task(wait_once(event));
    co_await event.wait();
    co_await other;
}

void several_waiters() {
    ThreadSafeEvent event;
    const auto twice = [&event] {
        event.set();
        event.set();
    };
    thread(twice);
    thread(twice);
    check::run(two_waiters, event);
    join();
}

// One of two waits is cancelled; the other must return, and one that begins later too, if need be by the second set().
Task<> cancel_one(ThreadSafeEvent& event, const Mark& a, const Mark& b) {
    auto first = rouse::create_task(wait_once(event));
    auto second = rouse::create_task(wait_once(event));
    co_await rouse::yield();
    first.cancel();
    co_await first.outcome();
    co_await second;
    event.clear();
    if (a.read() + b.read() < 2) co_await wait_for_both(event, a, b, 1);
}

void cancelled_wait() {
    ThreadSafeEvent event;
    Mark marks[2];
    set_from_two(event, marks, 1);
    check::run(cancel_one, event, marks[0], marks[1]);
    join();
}

Task<> wait_with_limit(ThreadSafeEvent& event, const Mark& a, const Mark& b) {
    (void)co_await rouse::try_wait_for(event.wait(), 1ms);
    event.clear();
    if (a.read() + b.read() < 2) co_await wait_for_both(event, a, b, 1);
}

void wait_that_times_out() {
    ThreadSafeEvent event;
    Mark marks[2];
    set_from_two(event, marks, 1);
    check::run(wait_with_limit, event, marks[0], marks[1]);
    join();
}

// Cleared, and waited for anew, while a setter may stand between its exchange and its push. The first waiter waited
// before the clear() and so goes on; the second began behind it and waits for another set().
Task<> wait_or_give_up(ThreadSafeEvent& event, bool& given_up) {
    const auto outcome = co_await rouse::try_wait_for(event.wait(), 1ms);
    given_up = outcome.timed_out();
}
Task<> clear_between_two_waits(ThreadSafeEvent& event) {
    bool first_gave_up = false, second_gave_up = false;
    auto first = rouse::create_task(wait_or_give_up(event, first_gave_up));
    co_await rouse::yield();
    const bool was_set = event.is_set();
    event.clear();
    auto second = rouse::create_task(wait_or_give_up(event, second_gave_up));
    co_await first;
    co_await second;
    expect(!was_set || !first_gave_up, "a set() is lost to one who waited before it was cleared");
    expect(second_gave_up || event.is_set(), "a wait has returned without a set()");
}

void cleared_between_two_waits() {
    ThreadSafeEvent event;
    for (int i = 0; i < 2; ++i) thread([&event] { event.set(); });
    check::run(clear_between_two_waits, event);
    join();
}

// Seen to be set, and ended beside its waiter, with the setter between its exchange and its push.
Task<> end_event_beside_its_waiter(std::unique_ptr<ThreadSafeEvent>& event, ThreadSafeEvent& other) {
    auto waiter = rouse::create_task(wait_once(*event));
    co_await rouse::yield();
    if (event->is_set()) {
        event.reset();
        waiter.cancel();
    }
    co_await waiter.outcome();
    co_await other.wait();
}

void end_of_an_event_with_a_waiter() {
    auto event = std::make_unique<ThreadSafeEvent>();
    ThreadSafeEvent other;
    thread([set = event.get()] { set->set(); });
    thread([&other] { other.set(); });
    check::run(end_event_beside_its_waiter, event, other);
    join();
}

void end_of_the_loop() {
    ThreadSafeEvent event, other;
    thread([&] {
        event.set();
        other.set();
    });
    thread([&] { event.set(); });
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(wait_once(event));
        loop->create_task(wait_once(other));
        loop->poll();
    }
    join();
}

} // namespace

std::vector<Program> event_programs() {
    return {
        {"event: cleared between two waits", cleared_between_two_waits, {.preemptions = 2}},
        {"event: two contexts set, the waiter clears", set_and_clear<1>, {}},
        {"event: two contexts set twice each, the waiter clears", set_and_clear<2>, {.preemptions = 2}},
        {"event: two waiters, two contexts set twice each", several_waiters, {.preemptions = 2}},
        {"event: a wait is cancelled", cancelled_wait, {}},
        {"event: a wait times out", wait_that_times_out, {}},
        {"event: ends as soon as its waiter goes on", end_when_waited_for<ThreadSafeEvent>, {}},
        {"event: ends while a task waits", end_of_an_event_with_a_waiter, {}},
        {"event: the loop ends while tasks wait", end_of_the_loop, {.preemptions = 2, .spurious = 1}},
    };
}

} // namespace model
