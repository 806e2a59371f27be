// Message: one or two foreign contexts set values of two words, which only its exchange keeps whole; a loop looks,
// waits with one task or two, clears, and is cancelled.
#include <memory>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/message.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Plain words: a slot that is written while it is read, or by two setters, is a race.
struct Letter {
    int a = 0, b = 0;
};
template <unsigned Setters>
using Message = rouse::Message<Letter, Setters>;

void whole(const Letter& letter) { expect(letter.a == letter.b, "a value is torn"); }

// Whole, and not older than `last`, which it becomes.
void look_at(const Letter& letter, int& last) {
    whole(letter);
    expect(letter.a >= last, "a value is older than one that was read before");
    last = letter.a;
}

template <unsigned Setters>
void set(Message<Setters>& message, int from, int to) {
    for (int i = from; i <= to; ++i)
        expect(message.set({i, i}), "a set is refused, though the setters are not too many");
}

// With one setter there are three slots: the third value is put into the one that the reader has given back.
void set_while_read() {
    auto message = std::make_unique<Message<1>>();
    int last = 0;
    thread([&] { set(*message, 1, 3); });
    for (int i = 0; i < 3; ++i) look_at(message->value(), last);
    join();
    look_at(message->value(), last);
    expect(last == 3, "the newest value is not the last one set");
    expect(message->is_set(), "it has been set, and is not");
    message->clear();
    expect(!message->is_set(), "it has been cleared, and is set");
}

// What two setters set is whole, the last one is one of their last, and no slot is lost.
void set_by_two() {
    auto message = std::make_unique<Message<2>>();
    thread([&] { set(*message, 1, 2); });
    thread([&] { set(*message, 3, 4); });
    whole(message->value());
    join();
    const Letter last = message->value();
    whole(last);
    expect(last.a == 2 || last.a == 4, "the newest value is neither setter's last");
    for (int i = 5; i <= 9; ++i) {
        set(*message, i, i);
        expect(message->value().a == i, "the newest value is not the last one set");
    }
}

// Two in set() at one instant are one too many: a refused one has changed nothing, and no slot is lost.
void set_by_one_too_many() {
    auto message = std::make_unique<Message<1>>();
    bool taken[3] = {};
    thread([&] { taken[1] = message->set({1, 1}); });
    thread([&] {
        const bool first = message->set({2, 2});
        taken[2] = message->set({2, 2}) || first;
    });
    whole(message->value());
    whole(message->value());
    join();
    expect(taken[1] || taken[2], "all sets are refused");
    const Letter letter = message->value();
    whole(letter);
    expect(letter.a != 0 && taken[letter.a], "a refused value is there, or none");
    for (int i = 5; i <= 7; ++i) set(*message, i, i);
}

// What was set before something else that has been seen is not missed.
void set_before_a_mark() {
    auto message = std::make_unique<Message<1>>();
    rouse::detail::Atomic<int> mark{0};
    thread([&] {
        set(*message, 1, 1);
        mark.store(1, std::memory_order_release);
        set(*message, 2, 2);
    });
    int last = mark.load(std::memory_order_acquire);
    look_at(message->value(), last);
    join();
}

// A context that looks while the loop fetches.
void looked_at_from_outside() {
    auto message = std::make_unique<Message<1>>();
    set(*message, 1, 1);
    thread([&] {
        expect(message->is_set(), "it is unset while it is fetched");
        expect(message->is_set(), "it is unset while it is fetched");
    });
    expect(message->value().a == 1, "the value is not there");
    join();
}

// Takes the next ones until it has got `wanted`.
Task<> take_until_two(Message<1>& message) {
    for (int last = 0; last < 2;) {
        const int before = last;
        const Letter letter = co_await message.next();
        look_at(letter, last);
        expect(last > before, "next() gives a value that has been given");
    }
    expect(!message.is_set(), "next() has not cleared it");
}

void awaited() {
    auto message = std::make_unique<Message<1>>();
    thread([&] { set(*message, 1, 2); });
    check::run(take_until_two, *message);
    join();
}

Task<> take_one(Message<1>& message) {
    const Letter letter = co_await message.wait();
    expect(letter.a == 1 && letter.b == 1, "a waiter goes on without the value");
}

// All get it: also the one for whom a third one has cleared it.
Task<> two_wait_and_one_clears(Message<1>& message) {
    auto one = rouse::create_task(take_one(message));
    auto other = rouse::create_task(take_one(message));
    co_await rouse::yield();
    message.clear();
    co_await rouse::yield();
    const bool seen = message.value().a == 1;
    if (seen) message.clear();
    co_await one;
    co_await other;
}

void awaited_by_two_and_cleared() {
    auto message = std::make_unique<Message<1>>();
    thread([&] { set(*message, 1, 1); });
    check::run(two_wait_and_one_clears, *message);
    join();
}

Task<> take_from_two(Message<2>& message) {
    const Letter letter = co_await message.next();
    whole(letter);
    expect(letter.a == 1 || letter.a == 2, "a waiter goes on without a value");
}

void awaited_and_set_by_two() {
    auto message = std::make_unique<Message<2>>();
    thread([&] { set(*message, 1, 1); });
    thread([&] { set(*message, 2, 2); });
    check::run(take_from_two, *message);
    join();
}

Task<> take_next(Message<1>& message) { (void)co_await message.next(); }

// A cancelled next() leaves the message set for the one behind it.
Task<> cancel_and_wait(Message<1>& message) {
    auto waiter = rouse::create_task(take_next(message));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (!waiter.cancelled()) co_return;
    const Letter letter = co_await message.next();
    expect(letter.a == 1, "a cancelled wait has taken the value");
}

void cancelled() {
    auto message = std::make_unique<Message<1>>();
    thread([&] { set(*message, 1, 1); });
    check::run(cancel_and_wait, *message);
    join();
    expect(!message->is_set(), "it is set after next()");
}

} // namespace

std::vector<Program> message_programs() {
    return {
        {"message: three are set, while four are read", set_while_read, {}},
        {"message: two set two each, one is read between", set_by_two, {.preemptions = 3}},
        {"message: two set, and there is room for one", set_by_one_too_many, {}},
        {"message: one is set before a mark", set_before_a_mark, {}},
        {"message: looked at by another context while it is fetched", looked_at_from_outside, {}},
        {"message: two are set, a task takes them", awaited, {}},
        {"message: one is set, two tasks wait, it is cleared", awaited_by_two_and_cleared, {}},
        {"message: two set, a task waits", awaited_and_set_by_two, {.preemptions = 2}},
        {"message: a wait for the next one is cancelled", cancelled, {}},
    };
}

} // namespace model
