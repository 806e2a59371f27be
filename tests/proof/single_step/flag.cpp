// ThreadSafeFlag: set() and clear() at every instruction of each state.
#include <atomic>
#include <memory>

#include <rouse/threadsafe/thread_safe_flag.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

ThreadSafeFlag flag;
std::atomic<int> sent{0}; // how often it was set; written before it is
int seen = 0, returned = 0;

void set() {
    sent.fetch_add(1, std::memory_order_relaxed);
    flag.set();
}
// After which it has to be set once more, or the program would rightly not end.
void clear() {
    flag.clear();
    step::later(set);
}
void turn() { world->poll(); }

Task<> receive() {
    co_await flag.wait();
    ++returned;
    seen = sent;
}

// What was set is seen; each set lets one wait return, at the most; and then nothing is left.
Task<> settle() {
    step::finish();
    while (seen != sent) co_await receive();
    if (flag.is_set()) co_await receive();
    check(returned <= sent, "a wait returned though the flag was not set");
    const auto none = co_await try_wait_for(flag.wait(), 1ms);
    check(none.timed_out(), "a wait returned though the flag was not set");
    co_await step::quiet();
}

Task<> nobody_waits() {
    step::begin();
    co_await yield();
    step::end();
    co_await settle();
}

Task<> wait_begins() {
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}

Task<> other_turns() {
    const auto waiter = create_task(receive());
    co_await yield();
    step::begin();
    co_await yield();
    co_await waiter;
    step::end();
    co_await settle();
}

Task<> is_set() {
    set();
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}

Task<> roused() {
    world->port.at_sleep([] {
        step::begin();
        set();
    });
    co_await receive();
    step::end();
    co_await settle();
}

Task<> cancelled() {
    const auto waiter = create_task(receive());
    co_await yield();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && returned == 0, "a wait that was cancelled returned");
    co_await settle();
}

Task<> cancelled_when_roused() {
    const auto waiter = create_task(receive());
    co_await yield();
    set();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && returned == 0, "a wait that was cancelled returned");
    co_await settle();
}

Task<> times_out() {
    world->port.at_sleep(step::begin);
    const auto outcome = co_await try_wait_for(flag.wait(), 1ms);
    if (outcome.has_value()) ++returned, seen = sent;
    step::end();
    co_await settle();
}

Task<> loses_a_select() {
    world->port.at_sleep(step::begin);
    const auto first = co_await select(flag.wait(), sleep(1ms));
    if (first.index() == 0) ++returned, seen = sent;
    step::end();
    co_await settle();
}

// Another flag, that can be destroyed.
alignas(ThreadSafeFlag) std::byte storage[sizeof(ThreadSafeFlag)];
ThreadSafeFlag* short_lived = nullptr;
bool dying = false, dead = false, set_alive = false;

void set_short_lived() {
    if (dead) return;
    set_alive = !dying;
    short_lived->set();
}
Task<> wait_for_short_lived() {
    co_await short_lived->wait();
    ++returned;
}
void destroy() {
    dying = true;
    std::destroy_at(short_lived);
    dead = true;
}

Task<> flag_destroyed() {
    short_lived = std::construct_at(reinterpret_cast<ThreadSafeFlag*>(storage));
    const auto waiter = create_task(wait_for_short_lived());
    co_await yield();
    step::begin();
    destroy();
    step::end();
    co_await sleep(1ms);
    check(!set_alive || waiter.done(), "a wake was lost with the flag");
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    check(outcome.has_value() ? returned == 1 : outcome.cancelled() && returned == 0, "not resumed just once");
    co_await step::quiet();
}

// Between two polls the destructor takes in what was sent, and has to put the loop back to sleep.
void destroyed_between_polls() {
    short_lived = std::construct_at(reinterpret_cast<ThreadSafeFlag*>(storage));
    const auto waiter = world->loop->create_task(wait_for_short_lived());
    bool done = false;
    const auto other = world->loop->create_task([](bool& ended) -> Task<> {
        co_await receive();
        ended = true;
    }(done));
    world->poll();
    short_lived->set();
    step::begin();
    destroy();
    step::end();
    world->host_until(done);
    check(waiter.done() && returned == 2, "a wake was lost with the flag");
}

// The loop ends while a task waits.
struct Frame {
    static inline int destroyed = 0;
    ~Frame() { ++destroyed; }
};
Task<> hold() {
    const Frame frame;
    co_await receive();
}
void destroy_loop() {
    step::begin();
    world->loop.reset();
    step::end();
    step::finish();
    check(Frame::destroyed == 1, "the frame was not destroyed just once");
    check(returned == 0 && flag.is_set() == (sent > 0), "what was set was lost with the loop");
}
void loop_destroyed() {
    static_cast<void>(world->loop->create_task(hold()));
    world->loop->run_until_complete(step::quiet());
    destroy_loop();
}
void sleeping_loop_destroyed() {
    static_cast<void>(world->loop->create_task(hold()));
    world->poll();
    destroy_loop();
}
void loop_destroyed_when_roused() {
    static_cast<void>(world->loop->create_task(hold()));
    world->poll();
    set();
    destroy_loop();
}

void main_ends() {
    world->loop->run([]() -> Task<> {
        static_cast<void>(create_task(hold()));
        co_await yield();
        step::begin();
    }());
    step::end();
    step::finish();
    check(Frame::destroyed == 1, "the frame was not destroyed just once");
    check(returned + flag.is_set() == sent, "what was set was lost with the run");
}

// A host's own loop.
bool all_received = false, traced_until_received = false;
Task<> receive_all() {
    co_await settle();
    all_received = true;
}
Task<> receive_one_and_all() {
    co_await receive();
    if (traced_until_received) step::end();
    co_await receive_all();
}
void host_polls() {
    traced_until_received = true;
    static_cast<void>(receive()); // so that the pool has a frame for it
    step::begin();
    world->poll();
    step::end();
    world->host_until(all_received);
}
void poll_begins_the_wait() {
    static_cast<void>(world->loop->create_task(receive_one_and_all()));
    host_polls();
}
void poll_does_nothing() {
    static_cast<void>(world->loop->create_task(receive_one_and_all()));
    world->poll();
    host_polls();
}
void poll_resumes() {
    static_cast<void>(world->loop->create_task(receive_one_and_all()));
    world->poll();
    set();
    host_polls();
}

// The other way round: the setter is interrupted by turns of the loop, as one of low priority is.
void set_while_polled() {
    static_cast<void>(world->loop->create_task(receive_one_and_all()));
    world->poll();
    step::begin();
    set();
    step::end();
    world->host_until(all_received);
}
void set_before_polled() {
    static_cast<void>(world->loop->create_task(receive_one_and_all()));
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
    world->poll();
    step::begin();
    set();
    step::end();
    world->poll();
    static_cast<void>(world->loop->create_task(receive_all()));
    world->host_until(all_received);
    check(victim.cancelled(), "not cancelled");
    victim = {};
}

template <Task<> (*state)()>
void add(const char* name) {
    step::Add{{"flag", name, "set", step::in_run<state>, set}};
    step::Add{{"flag", name, "clear, later set", step::in_run<state>, clear}};
    step::Add{{"flag", name, "clear, then set", step::in_run<state>, [] { flag.clear(); }, set}};
    step::Add{{"flag", name, "set, then clear, later set", step::in_run<state>, set, clear}};
}
template <void (*state)()>
void add(const char* name) {
    step::Add{{"flag", name, "set", step::by_host<state>, set}};
    step::Add{{"flag", name, "clear, later set", step::by_host<state>, clear}};
}

const bool added = [] {
    add<nobody_waits>("nobody waits");
    add<wait_begins>("a wait begins");
    add<other_turns>("waited for, other turns");
    add<is_set>("set, a wait begins");
    add<roused>("set in sleep, the waiter is resumed");
    add<cancelled>("the wait is cancelled");
    add<cancelled_when_roused>("the wait is cancelled when roused");
    add<times_out>("the wait times out");
    add<loses_a_select>("the wait loses a select");
    add<loop_destroyed>("the loop is destroyed");
    add<sleeping_loop_destroyed>("the loop is destroyed in its sleep");
    add<loop_destroyed_when_roused>("the loop is destroyed when roused");
    add<main_ends>("run() ends");
    add<poll_begins_the_wait>("poll() begins the wait");
    add<poll_does_nothing>("poll() has nothing to do");
    add<poll_resumes>("poll() resumes the waiter");
    step::Add{{"flag", "the flag is destroyed", "set", step::in_run<flag_destroyed>, set_short_lived}};
    step::Add{
        {"flag", "destroyed between two polls", "set of another flag", step::by_host<destroyed_between_polls>, set}};
    step::Add{{"flag", "set() while a task waits", "turns of the loop", step::by_host<set_while_polled>, turn}};
    step::Add{{"flag", "set() while a task waits", "turns, twice", step::by_host<set_while_polled>, turn, turn}};
    step::Add{{"flag", "set() before a task waits", "turns of the loop", step::by_host<set_before_polled>, turn}};
    step::Add{
        {"flag", "set() while a task waits", "cancel, and turns", step::by_host<set_while_cancelled>, cancel_and_turn}};
    return true;
}();

} // namespace
