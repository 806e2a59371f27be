// Message: set() at every instruction of each state, also of another set().
#include <atomic>

#include <rouse/threadsafe/message.hpp>

#include "scenario.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;
using step::check;
using step::world;

struct Letter {
    int words[6] = {};
    static Letter of(int n) { return {{n, n, n, n, n, n}}; }
};

Message<Letter, 2> message;
std::atomic<int> sent{0}; // how often it was set
int seen = 0;             // the newest value that was given

void set() {
    const int number = sent.fetch_add(1, std::memory_order_relaxed) + 1;
    check(message.set(Letter::of(number)), "a set was refused, though the setters are not too many");
}
void turn() { world->poll(); }

int look_at(const Letter& letter) {
    for (const int word : letter.words) check(word == letter.words[0], "a value is torn");
    return letter.words[0];
}
void take(const Letter& letter) {
    const int number = look_at(letter);
    check(number > seen, "next() gave a value that had been given");
    check(number <= sent, "a value that nobody has set");
    seen = number;
}
Task<> receive() { take(co_await message.next()); }

// What was set last comes, once; and no slot is lost.
Task<> settle() {
    step::finish();
    if (seen != sent) co_await receive();
    check(seen == sent && !message.is_set(), "the newest value is not the last one set, or is still set");
    const auto none = co_await try_wait_for(message.wait(), 1ms);
    check(none.timed_out(), "a wait returned though the message was not set");
    for (int i = 0; i < 5; ++i) {
        set();
        check(look_at(message.value()) == sent, "the newest value is not the last one set");
    }
    message.clear();
    co_await step::quiet();
}

Task<> read() {
    set();
    step::begin();
    const Letter letter = message.value();
    step::end();
    check(look_at(letter) >= 1 && message.is_set(), "a value that was set is gone");
    co_await settle();
}

Task<> cleared() {
    set();
    step::begin();
    message.clear();
    step::end();
    if (message.is_set()) co_await receive();
    seen = sent; // what came before the clear() is forgotten
    check(look_at(message.value()) == sent, "the newest value is not the last one set");
    co_await settle();
}

// As by a context of low priority: the value of the one that ends last is the newest.
Task<> set_while_set() {
    step::begin();
    check(message.set(Letter::of(1000)), "a set was refused, though the setters are not too many");
    const Letter letter = message.value();
    step::end();
    const int newest = look_at(letter);
    check(newest == 1000 || (newest >= 1 && newest <= sent), "the newest value is no setter's");
    message.clear();
    seen = sent;
    co_await settle();
}

Task<> wait_begins() {
    auto wait = receive();
    step::begin();
    co_await wait;
    step::end();
    co_await settle();
}

Task<> roused() {
    world->port.at_sleep([] {
        set();
        step::begin();
    });
    co_await receive();
    step::end();
    co_await settle();
}

// Both get it, though the first has cleared it.
Task<> two_resumed() {
    const auto first = create_task(message.next());
    const auto second = create_task(message.wait());
    co_await yield();
    set();
    step::begin();
    seen = look_at(co_await first);
    const int other = look_at(co_await second);
    step::end();
    check(seen >= 1 && other >= seen, "a waiter did not get the value");
    seen = message.is_set() ? other - 1 : other; // set again meanwhile: the second has only looked at it
    if (message.is_set()) co_await receive();
    co_await settle();
}

Task<> cancelled() {
    const auto waiter = create_task(message.next());
    co_await yield();
    step::begin();
    waiter.cancel();
    const auto outcome = co_await waiter.outcome();
    step::end();
    check(outcome.cancelled() && message.is_set(), "not cancelled, or no longer set");
    co_await settle();
}

Task<> times_out() {
    world->port.at_sleep(step::begin);
    auto outcome = co_await try_wait_for(message.next(), 1ms);
    step::end();
    if (outcome.has_value()) take(outcome.value());
    co_await settle();
}

bool all_received = false;
void set_while_polled() {
    static_cast<void>(world->loop->create_task([]() -> Task<> {
        co_await receive();
        co_await settle();
        all_received = true;
    }()));
    world->poll();
    step::begin();
    set();
    step::end();
    world->host_until(all_received);
}

template <Task<> (*state)()>
void add(const char* name) {
    step::Add{{"message", name, "set", step::in_run<state>, set}};
}

const bool added = [] {
    add<read>("a fresh value is read");
    add<cleared>("it is cleared");
    add<set_while_set>("another set()");
    add<wait_begins>("a wait begins");
    add<roused>("set in sleep, the waiter is resumed");
    add<two_resumed>("two waiters are resumed, one clears");
    add<cancelled>("the wait is cancelled");
    add<times_out>("the wait times out");
    step::Add{{"message", "another set()", "set, then set", step::in_run<set_while_set>, set, set}};
    step::Add{{"message", "set() while a task waits", "turns of the loop", step::by_host<set_while_polled>, turn}};
    return true;
}();

} // namespace
