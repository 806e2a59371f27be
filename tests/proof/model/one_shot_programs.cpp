// OneShot: another context answers, or drops its sender; a task waits, is cancelled, ends the object, asks again.
#include <memory>
#include <optional>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/one_shot.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Plain words: an answer that is read while it is written is a race.
struct Reply {
    int a = 0, b = 0;
};
using OneShot = rouse::OneShot<Reply>;

void look_at(const Reply& reply, int expected) {
    expect(reply.a == expected && reply.b == expected, "a wrong or torn answer");
}

Task<> get_one(OneShot& shot) {
    const Reply reply = co_await shot.get();
    look_at(reply, 1);
}

void answered() {
    OneShot shot;
    auto sender = shot.sender();
    thread([&] {
        expect(sender.set(Reply{1, 1}), "the first value was refused");
        expect(!sender.set(Reply{2, 2}), "a second value was accepted");
    });
    check::run(get_one, shot);
    join();
}

// Asks twice, as the flag of a dropped sender stays set.
Task<> get_nothing(OneShot& shot) {
    for (int i = 0; i < 2; ++i) {
        const auto reply = co_await shot.next();
        expect(!reply, "an answer from a sender that was dropped");
    }
}

void dropped() {
    OneShot shot;
    auto sender = shot.sender();
    thread([&] { sender = {}; });
    check::run(get_nothing, shot);
    join();
}

Task<> cancel_and_get(OneShot& shot) {
    auto waiter = rouse::create_task(get_one(shot));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (waiter.cancelled()) co_await get_one(shot);
}

void cancelled() {
    OneShot shot;
    auto sender = shot.sender();
    thread([&] { sender.set(Reply{1, 1}); });
    check::run(cancel_and_get, shot);
    join();
}

// The contexts that answer may still be on their way out.
Task<> get_and_end(std::unique_ptr<OneShot>& shot) {
    const auto reply = co_await shot->next();
    if (reply) look_at(*reply, 1);
    shot.reset();
}
Task<> get_and_end_both(std::unique_ptr<OneShot>& a, std::unique_ptr<OneShot>& b) {
    auto first = rouse::create_task(get_and_end(a));
    auto second = rouse::create_task(get_and_end(b));
    co_await first;
    co_await second;
}

void ended_at_once() {
    auto a = std::make_unique<OneShot>();
    auto b = std::make_unique<OneShot>();
    auto answers = a->sender();
    auto drops = b->sender();
    thread([&] { answers.set(Reply{1, 1}); });
    thread([&] { drops = {}; });
    check::run(get_and_end_both, a, b);
    join();
}

// Each round by another context, through the same sender, though the first may be still on its way out. The first
// answer is taken, or discarded if it is there already.
Task<> get_from_both(OneShot& shot, OneShot::Sender& sender) {
    sender = shot.sender();
    thread([&sender] { sender.set(Reply{1, 1}); });
    if (!shot.is_set()) co_await get_one(shot);
    sender = shot.sender();
    thread([&sender] { sender.set(Reply{2, 2}); });
    const Reply reply = co_await shot.get();
    look_at(reply, 2);
}

void two_rounds() {
    OneShot shot;
    OneShot::Sender sender;
    check::run(get_from_both, shot, sender);
    join();
}

} // namespace

std::vector<Program> one_shot_programs() {
    return {
        {"one_shot: another context answers, a task waits", answered, {}},
        {"one_shot: a sender is dropped, a task waits", dropped, {}},
        {"one_shot: a wait is cancelled while the answer comes", cancelled, {}},
        {"one_shot: the task ends it as soon as it is answered, or the sender dropped", ended_at_once, {}},
        {"one_shot: two rounds; the first answer is taken or discarded", two_rounds, {}},
    };
}

} // namespace model
