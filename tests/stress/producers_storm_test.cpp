// Many producers put into one queue, and a consumer takes: eight threads; a task, a thread and a signal handler; a
// signal handler that interrupts a put of its own thread. Each producer's items are numbered, so that one that is lost,
// comes twice or overtakes another of its producer is noticed.
#include <array>
#include <csignal>
#include <optional>
#include <vector>

#include <rouse/rouse.hpp>

#include "stress/storm.hpp"
#include "support/signal_timer.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

struct Item {
    int producer = 0, number = 0;
};
using Channel = ThreadSafeMpscQueue<Item, 3>; // not a power of two

// Checks that the items of each producer come in order, none twice and none left out.
class Received {
public:
    void operator()(const Item& item) {
        int& next = next_[static_cast<std::size_t>(item.producer)];
        if (item.number != next)
            FAIL("item " << item.number << " of producer " << item.producer << " in place of " << next);
        ++next;
        ++total_;
    }
    [[nodiscard]] int of(int producer) const { return next_[static_cast<std::size_t>(producer)]; }
    [[nodiscard]] int total() const { return total_; }

private:
    std::array<int, 8> next_{};
    int total_ = 0;
};

// A thread's put, in any of its forms, until it is accepted; false if the queue is closed.
bool put_somehow(Channel& queue, Item item, Dice& dice) {
    while (!queue.closed()) {
        switch (dice(3)) {
        case 0:
            if (queue.put_sync(item)) return true;
            break;
        case 1:
            if (queue.put_sync(item, std::chrono::microseconds{dice(50)})) return true;
            break;
        default: return queue.put_sync(item, block);
        }
    }
    return false;
}

// What came of a get by a task; empty at the end.
Task<std::optional<Item>> next_of(Channel& queue) { co_return co_await queue.next(); }
Task<bool> put_into(Channel& queue, Item item) { co_return co_await queue.put(item); }

} // namespace

// In each round every thread puts one item, and there is room for three; so a wake that is lost ends the round of all.
TEST_CASE("storm: eight threads put into one queue, a task gets: every item arrives once, in its thread's order") {
    constexpr int producers = 8;
    Channel queue;
    std::atomic<int> begun{0};
    std::vector<std::thread> threads;
    for (int producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&queue, &begun, producer] {
            Dice dice{static_cast<unsigned>(producer)};
            for (int round = 0;; ++round) {
                begun.wait(round);
                dice.linger();
                if (!put_somehow(queue, {producer, round}, dice)) break;
            }
        });
    }
    Received received;
    auto main = [&]() -> Task<> {
        Storm storm{"eight threads put"};
        Dice dice{20};
        while (storm.goes_on()) {
            ++begun;
            begun.notify_all();
            while (received.total() < producers * begun) {
                switch (dice(3)) {
                case 0: {
                    std::array<Item, 2> items;
                    const std::size_t count = co_await queue.next_many(items);
                    for (std::size_t i = 0; i < count; ++i) received(items[i]);
                    break;
                }
                case 1: {
                    auto getter = create_task(next_of(queue));
                    for (int i = dice(3); i > 0; --i) co_await yield();
                    if (dice.one_in(2)) getter.cancel();
                    const auto outcome = co_await getter.outcome();
                    if (outcome.has_value()) received(outcome.value().value());
                    break;
                }
                default: {
                    const auto item = co_await queue.next();
                    received(item.value());
                }
                }
                dice.linger();
            }
        }
        queue.close();
        ++begun;
        begun.notify_all();
    };
    run(main());
    for (std::thread& thread : threads) thread.join();
    CHECK(queue.drained());
}

// The round of the task's put: it ends, with or without the item in the queue, while the others fill that up again.
TEST_CASE("storm: a task whose puts are cancelled, and a thread, put into one queue, a thread gets") {
    Channel queue;
    Received received;
    std::thread consumer{[&] {
        Dice dice{1};
        while (const auto item = dice.one_in(2) ? queue.get_sync(block) : queue.get_sync(1h)) {
            received(*item);
            dice.linger_or_sleep();
        }
    }};
    int of_thread = 0, of_task = 0;
    std::thread producer{[&] {
        Dice dice{2};
        while (put_somehow(queue, {1, of_thread}, dice)) {
            ++of_thread;
            dice.linger_or_sleep();
        }
    }};
    auto main = [&]() -> Task<> {
        Storm storm{"a task and a thread put"};
        Dice dice{3};
        while (storm.goes_on()) {
            auto putter = create_task(put_into(queue, {0, of_task}));
            for (int i = dice(3); i > 0; --i) co_await yield();
            dice.linger();
            if (dice.one_in(3)) putter.cancel();
            if (dice.one_in(3)) (void)co_await try_wait_for(putter, std::chrono::microseconds{dice(50)});
            const auto outcome = co_await putter.outcome();
            if (outcome.has_value()) of_task += outcome.value();
        }
        queue.close();
        producer.join();
        consumer.join();
    };
    run(main());
    CHECK(received.of(0) == of_task);
    CHECK(received.of(1) == of_thread);
    CHECK(queue.drained());
}

namespace {

// What the handler works on.
Channel* interrupted = nullptr;
std::atomic<int> of_handler{0};
std::atomic<bool> fired{false};

void put_two(int) {
    for (int i = 0; i < 2; ++i) {
        if (interrupted->put_sync(Item{1, of_handler})) ++of_handler;
    }
    fired = true;
}

} // namespace

// The thread puts until the signal has come, which then interrupts it at any instruction of a put. The round ends when
// all that was accepted has arrived: an item whose consumer is not woken ends it never.
TEST_CASE("storm: a signal handler puts into the queue into which its own thread puts, another thread gets") {
    Channel queue;
    interrupted = &queue;
    of_handler = 0;
    std::atomic<int> received_in_all{0};
    Received received;
    std::thread consumer{[&] {
        sigset_t all; // the signals are for the other thread
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        Dice dice{1};
        while (const auto item = queue.get_sync(block)) {
            received(*item);
            received_in_all = received.total();
            dice.linger();
        }
    }};
    int of_thread = 0;
    {
        SignalTimer timer{put_two};
        Storm storm{"a signal and its own thread put"};
        Dice dice{4};
        while (storm.goes_on()) {
            fired = false;
            timer.arm(500 + dice(30'000));
            while (!fired) {
                if (queue.put_sync(Item{0, of_thread})) ++of_thread;
                if (dice.one_in(4)) dice.linger();
            }
            while (received_in_all != of_thread + of_handler) std::this_thread::yield();
        }
    }
    queue.close();
    consumer.join();
    CHECK(received.of(0) == of_thread);
    CHECK(received.of(1) == of_handler);
}
