// Broadcast: a foreign context publishes values of two words, which only the two counts keep whole; subscribers look,
// wait, are cancelled, come and go.
#include <cstddef>
#include <cstdint>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/broadcast.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Two words, which are torn if they are of different values.
struct Pair {
    std::uintptr_t a = 0, b = 0;
};
using One = rouse::Broadcast<Pair, 1, 2>;
using Subscriber = One::Subscriber;

void publish(One& pairs, unsigned from, unsigned to) {
    for (unsigned i = from; i <= to; ++i) pairs.publish({i, i});
}

// Whole, and the one after `last` and those that were lost since.
void look_at(const Pair& pair, const Subscriber& mine, std::uintptr_t& last, std::size_t& lost) {
    expect(pair.a == pair.b, "a value is torn");
    expect(pair.a == last + 1 + (mine.lagged() - lost), "a value is not the one that is due");
    last = pair.a;
    lost = mine.lagged();
}

// Slots are overwritten while they are read.
void published_while_read() {
    One pairs;
    Subscriber mine{pairs};
    thread([&] { publish(pairs, 1, 3); });
    std::uintptr_t last = 0;
    std::size_t lost = 0;
    for (int i = 0; i < 2; ++i) {
        if (const auto pair = mine.get_sync()) look_at(*pair, mine, last, lost);
    }
    join();
    while (const auto pair = mine.get_sync()) look_at(*pair, mine, last, lost);
    expect(last == 3, "the last value has not arrived");
}

// What was published before something else that has been seen is there.
void published_before_a_mark() {
    One pairs;
    Subscriber mine{pairs};
    rouse::detail::Atomic<int> mark{0};
    thread([&] {
        publish(pairs, 1, 1);
        mark.store(1, std::memory_order_release);
        pairs.close();
    });
    const bool marked = mark.load(std::memory_order_acquire) != 0;
    const bool closed = pairs.closed();
    const auto pair = mine.get_sync();
    expect(pair || !(marked || closed), "a value that was published is not there");
    join();
}

Task<> take(Subscriber& mine, unsigned count) {
    std::uintptr_t last = 0;
    std::size_t lost = 0;
    while (last < count) {
        const auto pair = co_await mine.next();
        expect(pair.has_value(), "the end, though it was not closed");
        look_at(*pair, mine, last, lost);
    }
}

// Each value must wake the task: there is no end that would.
void awaited() {
    One pairs;
    Subscriber mine{pairs};
    thread([&] { publish(pairs, 1, 2); });
    check::run(take, mine, 2U);
    join();
}

Task<> take_in_both(Subscriber& first, Subscriber& second) {
    auto other = rouse::create_task(take(second, 1));
    co_await take(first, 1);
    co_await other;
}

void awaited_by_two() {
    One pairs;
    Subscriber first{pairs};
    Subscriber second{pairs};
    thread([&] { publish(pairs, 1, 1); });
    check::run(take_in_both, first, second);
    join();
}

Task<> take_to_the_end(Subscriber& mine) {
    std::uintptr_t last = 0;
    std::size_t lost = 0;
    for (;;) {
        const auto pair = co_await mine.next();
        if (!pair) break;
        look_at(*pair, mine, last, lost);
    }
    expect(last == 1, "the stream ended before its last value");
}

void ended() {
    One pairs;
    Subscriber mine{pairs};
    thread([&] {
        publish(pairs, 1, 1);
        pairs.close();
    });
    check::run(take_to_the_end, mine);
    join();
}

// It is woken, or sees that the stream has ended. The values are those that come after it.
Task<> subscribe_and_wait(One& pairs) {
    Subscriber mine{pairs};
    std::uintptr_t last = 0;
    for (;;) {
        const auto pair = co_await mine.next();
        if (!pair) break;
        expect(pair->a == pair->b, "a value is torn");
        expect(pair->a > last, "a value is not later than the one before");
        last = pair->a;
    }
}

void subscribed_while_closed() {
    One pairs;
    thread([&] { pairs.close(); });
    check::run(subscribe_and_wait, pairs);
    join();
}

void subscribed_while_published() {
    One pairs;
    thread([&] {
        publish(pairs, 1, 1);
        pairs.close();
    });
    check::run(subscribe_and_wait, pairs);
    join();
}

// The place, and with it the flag, is given to another one.
Task<> subscribe_again(One& pairs) {
    for (int i = 0; i < 2; ++i) {
        Subscriber mine{pairs};
        (void)mine.get_sync();
    }
    co_await subscribe_and_wait(pairs);
}

void place_taken_again() {
    One pairs;
    thread([&] {
        publish(pairs, 1, 1);
        pairs.close();
    });
    check::run(subscribe_again, pairs);
    join();
}

// A cancelled next() takes nothing.
Task<> cancel_and_take(Subscriber& mine) {
    auto waiter = rouse::create_task(take(mine, 1));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (waiter.cancelled()) co_await take(mine, 1);
}

void cancelled() {
    One pairs;
    Subscriber mine{pairs};
    thread([&] { publish(pairs, 1, 1); });
    check::run(cancel_and_take, mine);
    join();
}

// Each has a place of its own, until it leaves.
void come_and_go() {
    One pairs;
    thread([&] { const Subscriber other{pairs}; });
    {
        const Subscriber mine{pairs};
    }
    join();
    expect(pairs.subscribers() == 0, "a subscriber that has left is counted");
}

} // namespace

std::vector<Program> broadcast_programs() {
    return {
        {"broadcast: three are published, while two are read", published_while_read, {}},
        {"broadcast: one is published before a mark, and before the end", published_before_a_mark, {}},
        {"broadcast: two are published, a task waits", awaited, {}},
        {"broadcast: one is published, two tasks wait", awaited_by_two, {}},
        {"broadcast: one is published, then the end", ended, {}},
        {"broadcast: a task subscribes while it is closed", subscribed_while_closed, {}},
        {"broadcast: a task subscribes while one is published, and the end", subscribed_while_published, {}},
        {"broadcast: two come and go before one that waits", place_taken_again, {}},
        {"broadcast: two threads subscribe and leave", come_and_go, {}},
        {"broadcast: a wait for the next one is cancelled", cancelled, {}},
    };
}

} // namespace model
