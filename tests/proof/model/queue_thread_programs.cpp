// ThreadSafeQueue without a loop: threads at both ends, that block, time out and close.
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::block;
using Queue = rouse::ThreadSafeQueue<int, 1>;

void get_all(Queue& queue, int& received) {
    while (const auto item = queue.get_sync(block)) expect(*item == ++received, "an item is lost, or out of order");
}

void both_block() {
    auto queue = std::make_unique<Queue>();
    int received = 0;
    thread([&] {
        for (int i = 1; i <= 3; ++i) expect(queue->put_sync(i, block), "refused, though it is not closed");
        queue->close();
    });
    thread([&] { get_all(*queue, received); });
    join();
    expect(received == 3, "what was accepted has not been received");
}

// Nobody gets: only the close can end the second put.
void closed_while_full() {
    auto queue = std::make_unique<Queue>();
    thread([&] {
        const bool first = queue->put_sync(1, block), second = queue->put_sync(2, block);
        expect(!second, "accepted, though the queue is full");
        expect(first == queue->full(), "what was accepted is not there");
    });
    thread([&] { queue->close(); });
    join();
}

void closed_by_a_third() {
    auto queue = std::make_unique<Queue>();
    int accepted = 0, received = 0, written_before_close = 0;
    thread([&] {
        while (accepted < 2 && queue->put_sync(accepted + 1, block)) ++accepted;
    });
    thread([&] {
        get_all(*queue, received);
        expect(written_before_close == 1, "what was written before close() is not seen");
    });
    thread([&] {
        written_before_close = 1;
        queue->close();
    });
    join();
    expect(accepted == received, "what was accepted has not been received");
}

// Whoever is refused because the time is up still has the value, and tries again.
void both_time_out() {
    auto queue = std::make_unique<Queue>();
    int accepted = 0, received = 0;
    thread([&] {
        for (int i = 0; i < 2; ++i) {
            if (queue->put_sync(accepted + 1, 1ms)) ++accepted;
        }
        queue->close();
    });
    thread([&] {
        if (const auto item = queue->get_sync(1ms)) expect(*item == ++received, "an item is lost, or out of order");
        get_all(*queue, received);
    });
    join();
    expect(accepted == received, "what was accepted has not been received");
}

// Neither end blocks, as an interrupt does not: what is refused is tried again once the other end has moved.
void neither_blocks() {
    auto queue = std::make_unique<Queue>();
    int accepted = 0, received = 0, written_before_close = 0;
    thread([&] {
        for (int i = 0; i < 3; ++i) {
            if (queue->put_sync(accepted + 1)) ++accepted;
        }
        written_before_close = 1;
        queue->close();
    });
    thread([&] {
        for (int i = 0; i < 3; ++i) {
            if (const auto item = queue->get_sync()) expect(*item == ++received, "an item is lost, or out of order");
        }
        if (queue->closed()) expect(written_before_close == 1, "what was written before close() is not seen");
    });
    join();
    if (const auto item = queue->get_sync()) expect(*item == ++received, "an item is lost, or out of order");
    expect(accepted == received, "what was accepted has not been received");
}

// The consumer takes what is there, in one call.
void gets_many() {
    auto queue = std::make_unique<rouse::ThreadSafeQueue<int, 2>>();
    int received = 0;
    thread([&] {
        for (int i = 1; i <= 3; ++i) expect(queue->put_sync(i, block), "refused, though it is not closed");
    });
    thread([&] {
        while (received < 3) {
            int items[2] = {};
            const std::size_t taken = queue->get_many(items);
            for (std::size_t i = 0; i < taken; ++i) expect(items[i] == ++received, "an item is lost, or out of order");
            if (taken == 0) expect(queue->get_sync(block) == ++received, "an item is lost, or out of order");
        }
    });
    join();
}

// The same without a sleeper, whose wake would order what the indices do not.
void gets_many_without_blocking() {
    auto queue = std::make_unique<rouse::ThreadSafeQueue<int, 2>>();
    for (int i = 1; i <= 2; ++i) expect(queue->put_sync(i), "refused, though there is room");
    int accepted = 2, received = 0;
    const auto get_all = [&] {
        int items[2] = {};
        const std::size_t taken = queue->get_many(items);
        for (std::size_t i = 0; i < taken; ++i) expect(items[i] == ++received, "an item is lost, or out of order");
    };
    thread([&] {
        for (int i = 0; i < 2; ++i) accepted += queue->put_sync(accepted + 1);
    });
    thread([&] { get_all(); });
    join();
    get_all();
    expect(accepted == received, "what was accepted has not been received");
}

// A third context looks how full it is.
void looked_at() {
    auto queue = std::make_unique<rouse::ThreadSafeQueue<int, 2>>();
    thread([&] { expect(queue->put_sync(1), "refused, though there is room"); });
    thread([&] { (void)queue->get_sync(); });
    thread([&] { expect(queue->qsize() <= 1, "more in the queue than was ever put"); });
    join();
}

} // namespace

std::vector<Program> queue_thread_programs() {
    return {
        {"queue: two threads that block", both_block, {.preemptions = 2}},
        {"queue: two threads that block, a sleep ends for no reason", both_block, {.preemptions = 1, .spurious = 1}},
        {"queue: a thread that blocks puts, nobody gets, another closes", closed_while_full, {.preemptions = 2}},
        {"queue: two threads that block, a third closes", closed_by_a_third, {.preemptions = 2}},
        {"queue: two threads, both with a time limit", both_time_out, {.preemptions = 2}},
        {"queue: two threads that do not block", neither_blocks, {}},
        {"queue: two threads that block, one gets many", gets_many, {.preemptions = 1}},
        {"queue: two threads that do not block, one gets many", gets_many_without_blocking, {}},
        {"queue: two threads that do not block, a third looks", looked_at, {}},
    };
}

} // namespace model
