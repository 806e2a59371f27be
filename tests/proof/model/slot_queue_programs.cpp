// SlotQueue: one side is a task, the other another context; a third closes; a wait is cancelled.
#include <memory>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/slot_queue.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// Plain words: a slot that is written while it is read is a race.
struct Block {
    int a = 0, b = 0;
};
using One = rouse::SlotQueue<Block, 1>;
using Two = rouse::SlotQueue<Block, 2>;

// Fills the next slot, if there is one; returns whether it was accepted.
template <class Queue>
bool fill(Queue& queue, int number) {
    Block* const slot = queue.reserve();
    if (slot == nullptr) return false;
    slot->a = number;
    slot->b = number;
    return queue.commit();
}

template <class Queue>
void read(Queue& queue, const Block& block, int number) {
    expect(block.a == number && block.b == number, "a slot is torn, or not the next one");
    queue.release();
}

// Reads to the end; returns how many there were.
template <class Queue>
Task<> read_all(Queue& queue, int& next) {
    for (next = 1;; ++next) {
        const Block* const slot = co_await queue.next_filled();
        if (slot == nullptr) break;
        read(queue, *slot, next);
    }
    // drained() may be false again for a moment, while a commit is being refused.
    expect(queue.closed() && queue.peek() == nullptr, "the end came before the queue was drained");
}

// The task releases meanwhile, so the third may be refused.
void filled_and_closed() {
    Two queue;
    int accepted = 0, next = 0;
    thread([&] {
        for (int i = 0; i < 3; ++i) accepted += fill(queue, accepted + 1);
        queue.close();
    });
    check::run(read_all<Two>, queue, next);
    join();
    expect(next - 1 == accepted, "slots were lost");
}

void closed_by_a_third() {
    One queue;
    int accepted = 0, next = 0;
    thread([&] { accepted += fill(queue, 1); });
    thread([&] { queue.close(); });
    check::run(read_all<One>, queue, next);
    join();
    expect(next - 1 == accepted, "a commit was accepted and its slot not read, or the reverse");
}

// `next` counts on.
Task<> fill_some(Two& queue, int& next, int last) {
    while (next <= last) {
        Block* const slot = co_await queue.next_free();
        if (slot == nullptr) break;
        slot->a = next;
        slot->b = next;
        if (!queue.commit()) break;
        ++next;
    }
}

void emptied() {
    Two queue;
    expect(fill(queue, 1) && fill(queue, 2), "a free slot was refused");
    thread([&] {
        for (int i = 1; i <= 2; ++i) read(queue, *queue.peek(), i);
    });
    int next = 3, last = 4;
    check::run(fill_some, queue, next, last);
    join();
    for (int i = 3; i <= 4; ++i) read(queue, *queue.peek(), i);
    expect(queue.size() == 0 && queue.peek() == nullptr, "a slot is left");
}

// The task sleeps for room, or is about to commit.
void closed_on_the_producer() {
    Two queue;
    expect(fill(queue, 1), "a free slot was refused");
    thread([&] { queue.close(); });
    int next = 2, last = 9;
    check::run(fill_some, queue, next, last);
    join();
    int read_until = 1;
    while (const Block* const slot = queue.peek()) read(queue, *slot, read_until++);
    expect(read_until == next && queue.drained(), "a commit was accepted and its slot is not there, or the reverse");
}

// A controller that knows two slots at a time.
void filled_ahead() {
    Two queue;
    int next = 0;
    thread([&] {
        Block* const first = queue.reserve();
        Block* const second = queue.reserve(1);
        *second = {2, 2};
        *first = {1, 1};
        expect(queue.commit() && queue.commit(), "a commit was refused");
        queue.close();
    });
    check::run(read_all<Two>, queue, next);
    join();
    expect(next == 3, "slots were lost");
}

Task<> read_one(One& queue) {
    const Block* const slot = co_await queue.next_filled();
    expect(slot != nullptr, "the end of a queue that is open");
    read(queue, *slot, 1);
}
Task<> cancel_and_read(One& queue) {
    auto waiter = rouse::create_task(read_one(queue));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (waiter.cancelled()) co_await read_one(queue);
}

void cancelled() {
    One queue;
    thread([&] { expect(fill(queue, 1), "a free slot was refused"); });
    check::run(cancel_and_read, queue);
    join();
}

// What was written before close() is seen by a context that finds the queue closed, or drained.
void seen_closed() {
    One queue;
    Mark mark;
    thread([&] {
        mark.write(1);
        queue.close();
    });
    const bool ended = choose(2) == 0 ? queue.closed() : queue.drained();
    expect(!ended || mark.read() == 1, "what was written before close() is not seen");
    join();
}

void looked_at() {
    Two queue;
    thread([&] { fill(queue, 1); });
    thread([&] {
        if (const Block* const slot = queue.peek()) read(queue, *slot, 1);
    });
    thread([&] { expect(queue.size() <= 1, "more slots are filled than ever were"); });
    join();
}

} // namespace

std::vector<Program> slot_queue_programs() {
    return {
        {"slot_queue: a context fills three of two slots and closes, a task reads",
         filled_and_closed,
         {.preemptions = 2}},
        {"slot_queue: a context fills one, another closes, a task reads", closed_by_a_third, {.preemptions = 2}},
        {"slot_queue: a context empties two, a task fills two", emptied, {.preemptions = 2}},
        {"slot_queue: a task fills, a context closes", closed_on_the_producer, {.preemptions = 2}},
        {"slot_queue: a context fills the second slot first, a task reads", filled_ahead, {.preemptions = 2}},
        {"slot_queue: a wait is cancelled while a slot is filled", cancelled, {.preemptions = 2}},
        {"slot_queue: a context closes, another looks", seen_closed, {}},
        {"slot_queue: one slot is filled and emptied, a third context looks", looked_at, {.preemptions = 2}},
    };
}

} // namespace model
