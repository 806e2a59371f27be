// Latest: a foreign context publishes values of two words, which only its exchange keeps whole; a reader looks, waits,
// and is cancelled.
#include <memory>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/latest.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Plain words: a slot that is written while it is read is a race.
struct Readings {
    int a = 0, b = 0;
};
using Latest = rouse::Latest<Readings>;

void publish(Latest& latest, int count) {
    for (int i = 1; i <= count; ++i) latest.publish({i, i});
}

// Whole, and not older than `last`, which it becomes.
void look_at(const Readings& readings, int& last) {
    expect(readings.a == readings.b, "a value is torn");
    expect(readings.a >= last, "a value is older than one that was read before");
    last = readings.a;
}

// The third one is put into the slot that the reader has given back.
void published_while_read() {
    auto latest = std::make_unique<Latest>();
    int last = 0;
    thread([&] { publish(*latest, 3); });
    for (int i = 0; i < 3; ++i) look_at(latest->value(), last);
    join();
    look_at(latest->value(), last);
    expect(last == 3, "the newest value is not the last one published");
    expect(!latest->fresh(), "a value that has been read is fresh");
}

// What was published before something else that has been seen is not missed.
void published_before_a_mark() {
    auto latest = std::make_unique<Latest>();
    rouse::detail::Atomic<int> mark{0};
    thread([&] {
        latest->publish({1, 1});
        mark.store(1, std::memory_order_release);
        latest->publish({2, 2});
    });
    int last = mark.load(std::memory_order_acquire);
    look_at(latest->value(), last);
    join();
}

// Waits for the next ones until it has got `wanted`.
Task<> wait_until(Latest& latest, int wanted, int last) {
    while (last < wanted) {
        const int before = last;
        const Readings readings = co_await latest.next();
        look_at(readings, last);
        expect(last > before, "next() gives a value that has been read");
    }
}

Task<> wait_for_two(Latest& latest) { co_await wait_until(latest, 2, 0); }

// Looks first, so that the flag may be one of a value that has been read.
Task<> look_and_wait(Latest& latest) {
    int last = 0;
    look_at(latest.value(), last);
    co_await wait_until(latest, 2, last);
}

void awaited() {
    auto latest = std::make_unique<Latest>();
    thread([&] { publish(*latest, 2); });
    check::run(wait_for_two, *latest);
    join();
    expect(!latest->fresh(), "a value that has been read is fresh");
}

void looked_at_and_awaited() {
    auto latest = std::make_unique<Latest>();
    thread([&] { publish(*latest, 2); });
    check::run(look_and_wait, *latest);
    join();
}

Task<> wait_once_for(Latest& latest) { (void)co_await latest.next(); }

// A cancelled next() leaves the value to the one behind it.
Task<> cancel_and_wait(Latest& latest) {
    auto waiter = rouse::create_task(wait_once_for(latest));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (waiter.cancelled()) (void)co_await latest.next();
}

void cancelled() {
    auto latest = std::make_unique<Latest>();
    thread([&] { publish(*latest, 1); });
    check::run(cancel_and_wait, *latest);
    join();
    int last = 1;
    look_at(latest->value(), last);
}

} // namespace

std::vector<Program> latest_programs() {
    return {
        {"latest: three are published, while four are read", published_while_read, {}},
        {"latest: one is published before a mark", published_before_a_mark, {}},
        {"latest: two are published, a task waits", awaited, {}},
        {"latest: two are published, a task looks and waits", looked_at_and_awaited, {}},
        {"latest: a wait for the next one is cancelled", cancelled, {}},
    };
}

} // namespace model
