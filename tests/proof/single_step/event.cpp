// ThreadSafeEvent: set() at every instruction of each state.
#include <atomic>
#include <memory>

#include <rouse/threadsafe/thread_safe_event.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

alignas(ThreadSafeEvent) std::byte storage[sizeof(ThreadSafeEvent)];
ThreadSafeEvent& event = *std::construct_at(reinterpret_cast<ThreadSafeEvent*>(storage));
ThreadSafeFlag flag;
std::atomic<int> sent{0};
int returned = 0;
bool dying = false, dead = false, set_alive = false;

void set() {
    if (dead) return;
    set_alive = !dying;
    sent.fetch_add(1, std::memory_order_relaxed);
    event.set();
}
// If it is set already, the program may clear it, and then has to be told once more, or would rightly not end.
void set_again() {
    const bool was_set = event.is_set();
    set();
    if (was_set) step::later([] { set(); });
}
void turn() { world->poll(); }

Task<> receive() {
    co_await event.wait();
    check(sent > 0, "a wait returned though the event was not set");
    ++returned;
}
// The order of waiting is the order of returning.
Task<> receive_as(int place) {
    co_await receive();
    check(returned == place, "the waiters did not go on in their order");
}

Task<> settle(int waits) {
    step::finish();
    if (sent > 0) co_await receive();
    check(returned == waits + (sent > 0 ? 1 : 0), "a waiter did not return just once");
    event.clear();
    const auto none = co_await try_wait_for(event.wait(), 1ms);
    check(none.timed_out(), "a wait returned though the event was not set");
    co_await step::quiet();
}

Task<> nobody_waits() {
    step::begin();
    co_await yield();
    step::end();
    co_await settle(0);
}

Task<> wait_begins() {
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle(1);
}

Task<> second_wait_begins() {
    const auto first = create_task(receive());
    co_await yield();
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await first;
    co_await settle(2);
}

Task<> two_resumed() {
    const auto first = create_task(receive_as(1));
    world->port.at_sleep([] {
        step::begin();
        set();
    });
    co_await yield();
    co_await receive_as(2);
    step::end();
    co_await first;
    co_await settle(2);
}

// Set, cleared, and waited for again, before it arrives; behind it in the inbox comes a flag.
Task<> waits_in_flight() {
    const auto first = create_task(receive());
    const auto other = create_task([]() -> Task<> { co_await flag.wait(); }());
    co_await yield();
    set();
    flag.set();
    auto wait = receive();
    step::begin();
    event.clear();
    co_await wait;
    step::end();
    co_await first;
    co_await other;
    co_await settle(2);
}

Task<> cancelled() {
    const auto waiter = create_task(receive());
    co_await yield();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && event.is_set(), "not cancelled, or no longer set");
    co_await settle(0);
}

Task<> one_of_two_cancelled() {
    const auto waiter = create_task(receive());
    const auto other = create_task(receive());
    co_await yield();
    step::begin();
    waiter.cancel();
    co_await other;
    step::end();
    check(waiter.cancelled() && event.is_set(), "not cancelled, or no longer set");
    co_await settle(1);
}

Task<> cancelled_in_flight() {
    const auto waiter = create_task(receive());
    co_await yield();
    set();
    event.clear();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && event.is_set(), "not cancelled, or no longer set");
    co_await settle(0);
}

Task<> times_out() {
    world->port.at_sleep(step::begin);
    const auto outcome = co_await try_wait_for(event.wait(), 1ms);
    step::end();
    check(event.is_set(), "no longer set");
    returned += outcome.has_value();
    co_await settle(outcome.has_value());
}

Task<> event_destroyed() {
    const auto waiter = create_task(receive());
    co_await yield();
    step::begin();
    dying = true;
    std::destroy_at(&event);
    dead = true;
    step::end();
    co_await sleep(1ms);
    check(!set_alive || waiter.done(), "a wake was lost with the event");
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    check(outcome.has_value() ? returned == 1 : outcome.cancelled() && returned == 0, "not resumed just once");
    co_await step::quiet();
}

void loop_destroyed() {
    static_cast<void>(world->loop->create_task(receive()));
    world->poll();
    step::begin();
    world->loop.reset();
    step::end();
    check(returned == 0 && event.is_set(), "the set was lost with the loop");
}

bool all_received = false, traced_until_received = false;
Task<> receive_and_settle() {
    co_await receive();
    if (traced_until_received) step::end();
    co_await settle(1);
    all_received = true;
}
void poll_begins_the_wait() {
    static_cast<void>(world->loop->create_task(receive_and_settle()));
    traced_until_received = true;
    static_cast<void>(receive()); // so that the pool has a frame for it
    step::begin();
    world->poll();
    step::end();
    world->host_until(all_received);
}
void set_while_polled() {
    static_cast<void>(world->loop->create_task(receive_and_settle()));
    world->poll();
    step::begin();
    set();
    step::end();
    world->host_until(all_received);
}
TaskHandle<> victim;
void cancel_and_turn() {
    victim.cancel();
    world->poll();
}
void set_while_cancelled() {
    victim = world->loop->create_task(receive());
    const auto other = world->loop->create_task(receive_and_settle());
    world->poll();
    step::begin();
    set();
    step::end();
    world->host_until(all_received);
    check(victim.cancelled() && !other.cancelled(), "not cancelled");
    victim = {};
}

template <Task<> (*state)()>
void add(const char* name, step::Operation operation = set) {
    step::Add{{"event", name, "set", step::in_run<state>, operation}};
    step::Add{{"event", name, "set, then set", step::in_run<state>, operation, operation}};
}

const bool added = [] {
    add<nobody_waits>("nobody waits");
    add<wait_begins>("a wait begins");
    add<second_wait_begins>("a second wait begins");
    add<two_resumed>("set in sleep, two waiters are resumed");
    add<waits_in_flight>("set, cleared and waited for in flight", set_again);
    add<cancelled>("the wait is cancelled");
    add<one_of_two_cancelled>("one wait of two is cancelled");
    add<cancelled_in_flight>("the wait is cancelled in flight");
    add<times_out>("the wait times out");
    add<event_destroyed>("the event is destroyed");
    step::Add{{"event", "the loop is destroyed in its sleep", "set", step::by_host<loop_destroyed>, set}};
    step::Add{{"event", "poll() begins the wait", "set", step::by_host<poll_begins_the_wait>, set}};
    step::Add{{"event", "set() while a task waits", "turns of the loop", step::by_host<set_while_polled>, turn}};
    step::Add{{"event", "set() while two wait", "cancel one, and turns", step::by_host<set_while_cancelled>,
               cancel_and_turn}};
    return true;
}();

} // namespace
