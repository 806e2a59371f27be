// ThreadSafeQueue with a task at one end at least: threads that block, time out and close at the other, and two loops.
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::block;
using rouse::Task;

template <std::size_t N>
using Queue = rouse::ThreadSafeQueue<int, N>;

// Gets until the queue is closed and drained; the items must be 1, 2, 3 and so on.
template <std::size_t N>
Task<> get_all(Queue<N>& queue, int& received) {
    for (;;) {
        const auto item = co_await queue.next();
        if (!item) break;
        expect(*item == ++received, "an item is lost, or out of order");
    }
}

template <std::size_t N>
Task<> put_some(Queue<N>& queue, int& accepted, int count) {
    for (int i = 1; i <= count; ++i) {
        const bool taken = co_await queue.put(i);
        if (!taken) co_return;
        ++accepted;
    }
}

// A thread puts without blocking, another one closes; the consumer is a task.
void put_and_close() {
    auto queue = std::make_unique<Queue<2>>();
    int accepted = 0, received = 0;
    thread([&] {
        for (int i = 1; i <= 2; ++i) {
            if (queue->put_sync(accepted + 1)) ++accepted;
        }
    });
    thread([&] { queue->close(); });
    check::run(get_all<2>, *queue, received);
    join();
    expect(accepted == received, "what was accepted has not been received");
}

// The queue of one is full, and empty: both ends sleep. The producer closes at the end.
void blocked_producer() {
    auto queue = std::make_unique<Queue<1>>();
    int received = 0;
    thread([&] {
        for (int i = 1; i <= 2; ++i) expect(queue->put_sync(i, block), "refused, though it is not closed");
        queue->close();
    });
    check::run(get_all<1>, *queue, received);
    join();
    expect(received == 2, "what was accepted has not been received");
}

void blocked_consumer() {
    auto queue = std::make_unique<Queue<1>>();
    int accepted = 0, received = 0, count = 2;
    thread([&] {
        while (const auto item = queue->get_sync(block))
            expect(*item == ++received, "an item is lost, or out of order");
    });
    check::run(put_some<1>, *queue, accepted, count);
    queue->close();
    join();
    expect(accepted == 2 && received == 2, "what was accepted has not been received");
}

// A third context closes while the task puts and the thread gets.
void closed_between() {
    auto queue = std::make_unique<Queue<1>>();
    int accepted = 0, received = 0, count = 2;
    thread([&] {
        while (const auto item = queue->get_sync(block))
            expect(*item == ++received, "an item is lost, or out of order");
    });
    thread([&] { queue->close(); });
    check::run(put_some<1>, *queue, accepted, count);
    join();
    expect(accepted == received, "what was accepted has not been received");
}

// Two loops, each with a task at one end.
void two_loops() {
    auto queue = std::make_unique<Queue<1>>();
    int accepted = 0, received = 0, count = 2;
    thread([&] { check::run(get_all<1>, *queue, received); });
    check::run(put_some<1>, *queue, accepted, count);
    queue->close();
    join();
    expect(accepted == 2 && received == 2, "what was accepted has not been received");
}

// What a cancelled get leaves behind is got by the next one.
Task<> get_one(Queue<1>& queue, int& received) { received = co_await queue.get(); }
Task<> cancel_a_get(Queue<1>& queue, int& received) {
    auto getter = rouse::create_task(get_one(queue, received));
    co_await rouse::yield();
    getter.cancel();
    co_await getter.outcome();
    co_await get_all(queue, received);
}

void cancelled_get() {
    auto queue = std::make_unique<Queue<1>>();
    int received = 0;
    thread([&] {
        for (int i = 1; i <= 2; ++i) expect(queue->put_sync(i, block), "refused, though it is not closed");
        queue->close();
    });
    check::run(cancel_a_get, *queue, received);
    join();
    expect(received == 2, "what was accepted has not been received");
}

Task<> get_with_limit(Queue<1>& queue, int& received) {
    auto outcome = co_await rouse::try_wait_for(queue.next(), 1ms);
    if (outcome.has_value()) {
        const auto item = outcome.value();
        if (!item) co_return;
        expect(*item == ++received, "an item is lost, or out of order");
    }
    co_await get_all(queue, received);
}

void get_that_times_out() {
    auto queue = std::make_unique<Queue<1>>();
    int received = 0;
    thread([&] {
        for (int i = 1; i <= 2; ++i) expect(queue->put_sync(i, block), "refused, though it is not closed");
        queue->close();
    });
    check::run(get_with_limit, *queue, received);
    join();
    expect(received == 2, "what was accepted has not been received");
}

Task<> put_with_limit(Queue<1>& queue, int& accepted) {
    for (int i = 1; i <= 2; ++i) {
        auto outcome = co_await rouse::try_wait_for(queue.put(accepted + 1), 1ms);
        if (outcome.has_value() && outcome.value()) ++accepted;
    }
}

void put_that_times_out() {
    auto queue = std::make_unique<Queue<1>>();
    int accepted = 0, received = 0;
    thread([&] {
        while (const auto item = queue->get_sync(block))
            expect(*item == ++received, "an item is lost, or out of order");
    });
    check::run(put_with_limit, *queue, accepted);
    queue->close();
    join();
    expect(accepted == received, "what was accepted has not been received");
}

// The wake of the one put may come when its item has been got already, and the next wait has ended.
Task<> get_twice_with_limit(Queue<1>& queue, int& received) {
    for (int i = 0; i < 2; ++i) {
        const auto outcome = co_await rouse::try_wait_for(queue.next(), 1ms);
        if (outcome.has_value()) ++received;
    }
}
void wait_for_nothing() {
    auto queue = std::make_unique<Queue<1>>();
    int received = 0;
    thread([&] { expect(queue->put_sync(1), "refused, though there is room"); });
    check::run(get_twice_with_limit, *queue, received);
    join();
    expect(received == 1 || queue->get_sync().has_value(), "an item is lost");
}

// The queue ends while its wake is on its way to a task, which is cancelled or not.
Task<> get_next(Queue<1>& queue, bool& ended) {
    (void)co_await queue.next();
    ended = true;
}
void end_of_a_queue_with_a_waiter() {
    auto queue = std::make_unique<Queue<1>>();
    bool ended = false;
    thread([&] { expect(queue->put_sync(1), "refused, though there is room"); });
    const auto port = std::make_unique<ModelPort>();
    const auto loop = std::make_unique<rouse::Loop>(*port);
    auto getter = loop->create_task(get_next(*queue, ended));
    loop->poll();
    const bool cancelled = choose(2) == 1 && getter.cancel();
    join();
    queue.reset();
    loop->poll();
    expect(!cancelled || getter.done(), "a task that was cancelled has not ended");
    getter.cancel();
    loop->poll();
    expect(getter.done(), "a task that was cancelled has not ended");
}

// The loop ends while its task waits for an item, and a thread puts, and another closes. The queue lives on.
Task<> get_one_if_in_time(Queue<2>& queue, bool& received) {
    const auto item = co_await queue.next();
    received = item.has_value();
}
void end_of_the_loop() {
    auto queue = std::make_unique<Queue<2>>();
    bool accepted = false, received = false;
    thread([&] { accepted = queue->put_sync(1); });
    thread([&] { queue->close(); });
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(get_one_if_in_time(*queue, received));
        loop->poll();
    }
    join();
    expect(queue->get_sync().has_value() == (accepted && !received), "what was accepted is lost");
}

} // namespace

std::vector<Program> queue_programs() {
    return {
        {"queue: two gets of a task, one item, both with a time limit", wait_for_nothing, {.preemptions = 3}},
        {"queue: ends while a task waits", end_of_a_queue_with_a_waiter, {}},
        {"queue: the loop ends while a task waits", end_of_the_loop, {.preemptions = 2, .spurious = 1}},
        {"queue: a thread puts, another closes, a task gets", put_and_close, {.preemptions = 2}},
        {"queue: a thread that blocks puts, a task gets", blocked_producer, {.preemptions = 2}},
        {"queue: a task puts, a thread that blocks gets", blocked_consumer, {.preemptions = 2}},
        {"queue: a task puts, a thread that blocks gets, another closes", closed_between, {.preemptions = 1}},
        {"queue: a task puts, a task of another loop gets", two_loops, {.preemptions = 2}},
        {"queue: a get of a task is cancelled", cancelled_get, {.preemptions = 2}},
        {"queue: a get of a task times out", get_that_times_out, {.preemptions = 2}},
        {"queue: a put of a task times out", put_that_times_out, {.preemptions = 2}},
    };
}

} // namespace model
