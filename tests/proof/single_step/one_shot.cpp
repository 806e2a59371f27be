// OneShot: the answer, or the end of the sender, at every instruction of each state of the task.
#include <optional>

#include <rouse/threadsafe/one_shot.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

struct Reply {
    int words[6] = {};
    static Reply of(int n) { return {{n, n, n, n, n, n}}; }
};

OneShot<Reply> shot;
OneShot<Reply>::Sender sender;
bool set_one = false, dropped = false;
int taken = 0, ended = 0;

void answer() {
    if (!sender) return;
    set_one = true;
    check(sender.set(Reply::of(7)), "the first value was refused");
}
void drop() {
    sender = {};
    dropped = true;
}
void turn() { world->poll(); }

void take(const std::optional<Reply>& reply) {
    if (!reply) {
        check(dropped && !set_one, "nothing was taken though the sender has answered");
        ++ended;
        return;
    }
    for (const int word : reply->words) check(word == 7, "the answer is torn");
    check(set_one, "an answer that nobody has set");
    ++taken;
}
Task<> receive() { take(co_await shot.next()); }

// What was answered comes, once, and the next round has nothing of it.
Task<> settle() {
    step::finish();
    if (taken + ended == 0) co_await receive();
    check(taken + ended == 1 && taken == int(set_one), "the answer was taken twice, or not at all");
    sender = shot.sender();
    const auto none = co_await try_wait_for(shot.next(), 1ms);
    check(none.timed_out(), "next() returned though there was no answer");
    answer();
    co_await receive();
    check(set_one, "an answer of the next round was refused");
    co_await step::quiet();
}

Task<> wait_begins() {
    sender = shot.sender();
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}
Task<> roused() {
    sender = shot.sender();
    world->port.at_sleep([] {
        answer();
        step::begin();
    });
    co_await receive();
    step::end();
    co_await settle();
}
Task<> cancelled() {
    sender = shot.sender();
    const auto waiter = create_task(receive());
    co_await yield();
    step::begin();
    waiter.cancel();
    co_await waiter.outcome();
    step::end();
    co_await settle();
}
Task<> times_out() {
    sender = shot.sender();
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(shot.next(), 1ms);
    step::end();
    if (outcome.has_value()) take(outcome.value());
    co_await settle();
}
Task<> looked_at() {
    sender = shot.sender();
    step::begin();
    const bool is_set = shot.is_set();
    step::end();
    step::finish();
    check(!is_set || set_one || dropped, "a OneShot is set that nobody has set");
    check(shot.is_set(), "the answer was lost");
    co_await settle();
}

bool all_received = false;
void answered_while_polled() {
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        sender = shot.sender();
        co_await receive();
        co_await settle();
        all_received = true;
    }()));
    world->poll();
    step::begin();
    answer();
    step::end();
    world->host_until(all_received);
}

template <Task<> (*state)()>
void add(const char* name) {
    step::Add{{"one_shot", name, "set(v)", step::in_run<state>, answer}};
    step::Add{{"one_shot", name, "~Sender", step::in_run<state>, drop}};
}

const bool added = [] {
    add<wait_begins>("a wait begins");
    add<cancelled>("the wait is cancelled");
    add<times_out>("the wait times out");
    add<looked_at>("it is looked at");
    step::Add{{"one_shot", "answered in sleep, the waiter is resumed", "~Sender of an answered one",
               step::in_run<roused>, drop}};
    step::Add{
        {"one_shot", "set(v) while a task waits", "turns of the loop", step::by_host<answered_while_polled>, turn}};
    return true;
}();

} // namespace
