// ThreadSafeMpscQueue with tasks: that put, get, are cancelled and time out, beside threads and other loops.
#include <array>
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::block;
using rouse::Task;

using Queue = rouse::ThreadSafeMpscQueue<int, 1>;

// As in mpsc_thread_programs.cpp.
class Received {
public:
    void operator()(int item) {
        int& count = counts_[static_cast<std::size_t>(item / 10)];
        expect(item % 10 == count, "an item is lost, comes twice, or out of order");
        ++count;
    }
    [[nodiscard]] int of(int producer) const { return counts_[static_cast<std::size_t>(producer)]; }
    [[nodiscard]] int total() const { return counts_[1] + counts_[2] + counts_[3]; }

private:
    std::array<int, 4> counts_{};
};

Task<> get_all(Queue& queue, Received& received) {
    for (;;) {
        const auto item = co_await queue.next();
        if (!item) break;
        received(*item);
    }
}

Task<> put_one(Queue& queue, int item, int& accepted) {
    const bool taken = co_await queue.put(item);
    accepted += taken;
}

Task<> put_two(Queue& queue, int& a, int& b) {
    auto first = rouse::create_task(put_one(queue, 10, a));
    auto second = rouse::create_task(put_one(queue, 20, b));
    co_await first;
    co_await second;
}

// Two tasks put, a thread that blocks puts, and another gets until the end.
void tasks_and_a_thread_put() {
    auto queue = std::make_unique<Queue>();
    int a = 0, b = 0;
    Received received;
    thread([&] { expect(queue->put_sync(30, block), "refused, though it is not closed"); });
    thread([&] {
        while (received.total() < 3) received(queue->get_sync(block).value_or(0));
    });
    check::run(put_two, *queue, a, b);
    join();
    expect(a == 1 && b == 1 && received.total() == 3, "what was accepted has not been received");
}

// Tasks of two loops put; a thread gets.
void two_loops_put() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, b = 0, item_a = 10, item_b = 20;
    Received received;
    thread([&] { check::run(put_one, *queue, item_b, b); });
    thread([&] {
        while (received.total() < 3) received(queue->get_sync(block).value_or(0));
    });
    check::run(put_one, *queue, item_a, a);
    join();
    expect(a == 1 && b == 1, "refused, though it is not closed");
}

// Two threads put, one of them blocks; a task gets, another thread closes.
void a_task_gets() {
    auto queue = std::make_unique<Queue>();
    std::array<int, 3> accepted{};
    Received received;
    thread([&] { accepted[1] = queue->put_sync(10); });
    thread([&] { accepted[2] = queue->put_sync(20, block); });
    thread([&] { queue->close(); });
    check::run(get_all, *queue, received);
    join();
    expect(received.of(1) == accepted[1] && received.of(2) == accepted[2], "what was accepted has not been received");
}

// One of two puts is cancelled, at any moment of the wake that a thread's get sends.
Task<> cancel_one(Queue& queue, int& a, int& b) {
    auto first = rouse::create_task(put_one(queue, 10, a));
    auto second = rouse::create_task(put_one(queue, 20, b));
    co_await rouse::yield();
    first.cancel();
    co_await first.outcome();
    co_await second;
}
void cancelled_put() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, b = 0;
    Received received;
    thread([&] {
        while (received.of(2) == 0) received(queue->get_sync(block).value_or(0));
    });
    check::run(cancel_one, *queue, a, b);
    join();
    expect(received.of(1) == a && received.of(2) == b && b == 1, "what was accepted has not been received");
}

// A cancelled put ends although the room for which it was woken has been taken, and the queue stays full.
Task<> put_and_cancel(Queue& queue, int& a) {
    auto first = rouse::create_task(put_one(queue, 10, a));
    co_await rouse::yield();
    first.cancel();
    co_await first.outcome();
}
void cancelled_put_without_room() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0;
    bool rival = false;
    Received received;
    thread([&] {
        if (const auto item = queue->get_sync()) received(*item);
        rival = queue->put_sync(20);
    });
    check::run(put_and_cancel, *queue, a);
    join();
    while (const auto item = queue->get_sync()) received(*item);
    expect(received.of(1) == a && received.of(2) == rival, "what was accepted has not been received");
}

// A put is cancelled after its wake has arrived: its slot is given back, and a thread that waits gets the room.
Task<> cancel_at(rouse::ThreadSafeFlag& flag, rouse::TaskHandle<>& handle) {
    co_await flag.wait();
    handle.cancel();
}
Task<> give_back(Queue& queue, int& a, int& got) {
    rouse::ThreadSafeFlag flag;
    rouse::TaskHandle<> first;
    auto canceller = rouse::create_task(cancel_at(flag, first));
    first = rouse::create_task(put_one(queue, 10, a));
    co_await rouse::yield();
    flag.set(); // arrives with the wake of the put; the canceller runs before it
    if (const auto item = queue.get_sync()) got = *item;
    co_await first.outcome();
    co_await canceller;
}
void slot_given_back() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, got = 0;
    thread([&] { expect(queue->put_sync(20, block), "refused, though it is not closed"); });
    check::run(give_back, *queue, a, got);
    Received received;
    if (got != 0) received(got);
    while (received.of(2) == 0) received(queue->get_sync(block).value_or(0));
    join();
    expect(received.of(1) == a, "what was accepted has not been received");
}

// One gives up; then the other must have the room, though the first was woken for it.
Task<> put_with_limit(Queue& queue, int item, int& accepted) {
    const auto outcome = co_await rouse::try_wait_for(queue.put(item), 1ms);
    accepted += outcome.has_value() && outcome.value();
}
Task<> limit_one(Queue& queue, int& a, int& b) {
    auto first = rouse::create_task(put_with_limit(queue, 10, a));
    auto second = rouse::create_task(put_one(queue, 20, b));
    co_await first;
    co_await second;
}
void put_that_times_out() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, b = 0;
    Received received;
    thread([&] {
        while (received.of(2) == 0) received(queue->get_sync(block).value_or(0));
    });
    check::run(limit_one, *queue, a, b);
    join();
    if (const auto item = queue->get_sync()) received(*item);
    expect(received.of(1) == a && received.of(2) == b && b == 1, "what was accepted has not been received");
}

// The queue ends while its wake is on its way to one of two tasks, and one is cancelled or not.
void end_of_a_queue_with_waiters() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, b = 0;
    thread([&] { expect(queue->get_sync().has_value(), "what was accepted is not there"); });
    const auto port = std::make_unique<ModelPort>();
    const auto loop = std::make_unique<rouse::Loop>(*port);
    auto first = loop->create_task(put_one(*queue, 10, a));
    auto second = loop->create_task(put_one(*queue, 20, b));
    loop->poll();
    const bool cancelled = choose(2) == 1 && first.cancel();
    join();
    if (choose(2) == 1) loop->poll();
    queue.reset();
    loop->poll();
    expect(!cancelled || first.done(), "a task that was cancelled has not ended");
    first.cancel();
    second.cancel();
    loop->poll();
    expect(first.done() && second.done(), "a task that was cancelled has not ended");
}

// The loop ends while its tasks wait, one of them with a slot, and a thread waits, too. The queue lives on.
void end_of_the_loop() {
    auto queue = std::make_unique<Queue>();
    expect(queue->put_sync(30), "refused, though there is room");
    int a = 0, b = 0;
    Received received;
    thread([&] { expect(queue->put_sync(20, block), "refused, though it is not closed"); });
    thread([&] {
        while (received.of(2) == 0) received(queue->get_sync(block).value_or(0));
    });
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(put_one(*queue, 10, a));
        loop->poll();
        if (choose(2) == 1) loop->poll();
    }
    join();
    if (const auto item = queue->get_sync()) received(*item);
    expect(received.of(1) == a && b == 0, "what was accepted has not been received");
}

} // namespace

std::vector<Program> mpsc_programs() {
    return {
        {"mpsc: two tasks and a thread put, another gets", tasks_and_a_thread_put, {.preemptions = 0}},
        {"mpsc: tasks of two loops put, a thread gets", two_loops_put, {.preemptions = 0}},
        {"mpsc: two threads put, a task gets, another closes", a_task_gets, {.preemptions = 0}},
        {"mpsc: a put of a task is cancelled", cancelled_put, {.preemptions = 2}},
        {"mpsc: a put of a task is cancelled, its room is taken", cancelled_put_without_room, {.preemptions = 2}},
        {"mpsc: a slot is given back", slot_given_back, {.preemptions = 1}},
        {"mpsc: a put of a task times out", put_that_times_out, {.preemptions = 1}},
        {"mpsc: ends while two tasks wait", end_of_a_queue_with_waiters, {}},
        {"mpsc: the loop ends while tasks and a thread wait", end_of_the_loop, {.preemptions = 0}},
    };
}

} // namespace model
