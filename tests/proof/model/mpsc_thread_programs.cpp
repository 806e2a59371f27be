// ThreadSafeMpscQueue without a loop: threads that put and get, block, time out and close.
#include <array>
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::block;
template <std::size_t N>
using Queue = rouse::ThreadSafeMpscQueue<int, N>;

// What comes of each producer: its items are 10, 11, 12 or 20, 21, 22, and so on.
class Received {
public:
    void operator()(int item) {
        int& count = counts_[static_cast<std::size_t>(item / 10)];
        expect(item % 10 == count, "an item is lost, comes twice, or out of order");
        ++count;
    }
    template <class Q>
    void all_of(Q& queue) {
        while (const auto item = queue.get_sync()) (*this)(*item);
    }
    [[nodiscard]] int of(int producer) const { return counts_[static_cast<std::size_t>(producer)]; }

private:
    std::array<int, 4> counts_{};
};

// None blocks, as an interrupt does not. Two put, each twice; there is room for all, or not.
template <std::size_t N>
void none_blocks() {
    auto queue = std::make_unique<Queue<N>>();
    std::array<int, 3> accepted{};
    Received received;
    for (int who = 1; who <= 2; ++who) {
        thread([&, who] {
            int& count = accepted[static_cast<std::size_t>(who)];
            for (int i = 0; i < 2; ++i) count += queue->put_sync(10 * who + count);
        });
    }
    thread([&] {
        for (int i = 0; i < 2; ++i) {
            if (const auto item = queue->get_sync()) received(*item);
        }
    });
    join();
    received.all_of(*queue);
    expect(queue->empty(), "it is not empty at the end");
    for (int who = 1; who <= 2; ++who)
        expect(received.of(who) == accepted[static_cast<std::size_t>(who)], "what was accepted has not been received");
}

// A put is refused only if the queue was full: one of room for two never is, with two puts.
void room_for_all() {
    auto queue = std::make_unique<Queue<2>>();
    for (int who = 1; who <= 2; ++who) {
        thread([&, who] {
            expect(queue->put_sync(10 * who), "refused, though there is room");
            expect(queue->size() >= 1, "smaller than it is");
        });
    }
    thread([&] { expect(queue->size() <= 2, "more in the queue than was ever put"); });
    join();
    Received received;
    received.all_of(*queue);
    expect(received.of(1) == 1 && received.of(2) == 1, "what was accepted has not been received");
}

// A third context looks how full it is.
void looked_at() {
    auto queue = std::make_unique<Queue<2>>();
    thread([&] { expect(queue->put_sync(10), "refused, though there is room"); });
    thread([&] { (void)queue->get_sync(); });
    thread([&] { expect(queue->qsize() <= 1, "more in the queue than was ever put"); });
    join();
}

// All block: two producers, room for one.
void all_block() {
    auto queue = std::make_unique<Queue<1>>();
    Received received;
    thread([&] {
        for (int i = 0; i < 2; ++i) expect(queue->put_sync(10 + i, block), "refused, though it is not closed");
    });
    thread([&] { expect(queue->put_sync(20, block), "refused, though it is not closed"); });
    for (int i = 0; i < 3; ++i) {
        const auto item = queue->get_sync(block);
        expect(item.has_value(), "ended, though it is not closed");
        received(*item);
    }
    join();
    expect(received.of(1) == 2 && received.of(2) == 1 && queue->empty(), "what was accepted has not been received");
}

// Three put one each and block; the consumer polls, and looks for one that sleeps for ever.
void one_after_the_other() {
    auto queue = std::make_unique<Queue<1>>();
    Received received;
    for (int who = 1; who <= 3; ++who) {
        thread([&, who] { expect(queue->put_sync(10 * who, block), "refused, though it is not closed"); });
    }
    for (int i = 0; i < 3; ++i) {
        const auto item = queue->get_sync(block);
        expect(item.has_value(), "ended, though it is not closed");
        received(*item);
    }
    join();
}

// None gets: only the close can end the puts that block.
void closed_while_full() {
    auto queue = std::make_unique<Queue<1>>();
    std::array<int, 3> accepted{};
    for (int who = 1; who <= 2; ++who) {
        thread([&, who] { accepted[static_cast<std::size_t>(who)] = queue->put_sync(10 * who, block); });
    }
    thread([&] { queue->close(); });
    join();
    expect(accepted[1] + accepted[2] == (queue->get_sync().has_value() ? 1 : 0), "what was accepted is not there");
    expect(queue->drained(), "not drained at the end");
}

// As above, and one gets: it puts a sleeper back while another closes.
void closed_while_one_gets() {
    auto queue = std::make_unique<Queue<1>>();
    expect(queue->put_sync(30), "refused, though there is room");
    std::array<int, 4> accepted{0, 0, 0, 1};
    Received received;
    thread([&] { accepted[1] = queue->put_sync(10, block); });
    thread([&] { queue->close(); });
    thread([&] {
        if (const auto item = queue->get_sync()) received(*item);
    });
    accepted[2] = queue->put_sync(20, block);
    join();
    received.all_of(*queue);
    for (int who = 1; who <= 3; ++who)
        expect(received.of(who) == accepted[static_cast<std::size_t>(who)], "what was accepted has not been received");
}

// "Closed and drained" is exact: what is accepted comes before the end.
void exact_end() {
    auto queue = std::make_unique<Queue<2>>();
    std::array<int, 3> accepted{};
    int written_before_close = 0;
    Received received;
    for (int who = 1; who <= 2; ++who) {
        thread([&, who] { accepted[static_cast<std::size_t>(who)] = queue->put_sync(10 * who); });
    }
    thread([&] {
        written_before_close = 1;
        queue->close();
    });
    while (const auto item = queue->get_sync(block)) received(*item);
    expect(queue->drained(), "ended, but not drained");
    expect(written_before_close == 1, "what was written before close() is not seen");
    join();
    for (int who = 1; who <= 2; ++who)
        expect(received.of(who) == accepted[static_cast<std::size_t>(who)], "what was accepted has not been received");
}

// Two put with a time limit, and leave the stack while the consumer wakes and puts back.
void time_limits() {
    auto queue = std::make_unique<Queue<1>>();
    expect(queue->put_sync(30), "refused, though there is room");
    std::array<int, 3> accepted{};
    Received received;
    for (int who = 1; who <= 2; ++who) {
        thread([&, who] { accepted[static_cast<std::size_t>(who)] = queue->put_sync(10 * who, 1ms); });
    }
    if (const auto item = queue->get_sync()) received(*item);
    if (const auto item = queue->get_sync(1ms)) received(*item);
    join();
    received.all_of(*queue);
    for (int who = 1; who <= 2; ++who)
        expect(received.of(who) == accepted[static_cast<std::size_t>(who)], "what was accepted has not been received");
}

// One whose time is up may have been woken in place of one that waits on.
void one_gives_up() {
    auto queue = std::make_unique<Queue<1>>();
    expect(queue->put_sync(30), "refused, though there is room");
    int accepted = 0;
    Received received;
    thread([&] { accepted = queue->put_sync(10, 1ms); });
    thread([&] { expect(queue->put_sync(20, block), "refused, though it is not closed"); });
    const int first = queue->get_sync(block).value_or(0);
    received(first);
    const int second = queue->get_sync(block).value_or(0);
    received(second);
    if (received.of(2) == 0) received(queue->get_sync(block).value_or(0));
    join();
    received.all_of(*queue);
    expect(received.of(1) == accepted && received.of(2) == 1 && received.of(3) == 1,
           "what was accepted has not been received");
}

// Many at once: the consumer takes all that is there, and wakes as many.
void many_at_once() {
    auto queue = std::make_unique<Queue<2>>();
    Received received;
    thread([&] { expect(queue->put_sync(10, block), "refused, though it is not closed"); });
    thread([&] {
        for (int i = 0; i < 2; ++i) expect(queue->put_sync(20 + i, block), "refused, though it is not closed");
    });
    thread([&] {
        for (int count = 0; count < 3;) {
            std::array<int, 2> items{};
            const std::size_t taken = queue->get_many(items);
            for (std::size_t i = 0; i < taken; ++i) received(items[i]);
            count += static_cast<int>(taken);
            if (taken != 0 || count == 3) continue;
            received(queue->get_sync(block).value_or(0));
            ++count;
        }
    });
    join();
}

// The stack itself. The first sleeper is woken and the second put back, while that leaves.
using rouse::detail::ParkedThread;
using rouse::detail::SleeperStack;
using rouse::detail::StackedSleeper;

void put_back_while_it_leaves() {
    auto stack = std::make_unique<SleeperStack>();
    ParkedThread first;
    StackedSleeper first_sleeper{first};
    stack->push(first_sleeper);
    thread([&] {
        ParkedThread second;
        StackedSleeper second_sleeper{second};
        stack->push(second_sleeper);
        if (stack->withdraw(second_sleeper)) return;
        second.wait();
        stack->woken(second_sleeper);
    });
    thread([&] { stack->wake_oldest(1); });
    first.wait();
    join();
    expect(!stack->any(), "a sleeper is left");
}

// The same with two that leave at once.
void put_back_while_two_leave() {
    auto stack = std::make_unique<SleeperStack>();
    ParkedThread first;
    StackedSleeper first_sleeper{first};
    stack->push(first_sleeper);
    for (int i = 0; i < 2; ++i) {
        thread([&] {
            ParkedThread other;
            StackedSleeper other_sleeper{other};
            stack->push(other_sleeper);
            if (stack->withdraw(other_sleeper)) return;
            other.wait();
            stack->woken(other_sleeper);
        });
    }
    thread([&] { stack->wake_oldest(1); });
    first.wait();
    join();
    expect(!stack->any(), "a sleeper is left");
}

// Two leave at once. One of them is woken by a third context; the other is put back, and must be woken, too.
void put_back_while_another_is_woken() {
    auto stack = std::make_unique<SleeperStack>();
    ParkedThread first, second;
    StackedSleeper first_sleeper{first}, second_sleeper{second};
    stack->push(first_sleeper);
    const auto leave = [&stack](ParkedThread& sleeping, StackedSleeper& sleeper) {
        if (stack->withdraw(sleeper)) return;
        sleeping.wait();
        stack->woken(sleeper);
    };
    thread([&] { leave(first, first_sleeper); });
    thread([&] { leave(second, second_sleeper); }); // perhaps before it comes, which saves a preemption
    thread([&] {
        stack->push(second_sleeper);
        stack->wake_all();
    });
    stack->wake_oldest(0);
    join();
    expect(!stack->any(), "a sleeper is left");
}

// One comes, and leaves, while another is put back.
void put_back_while_one_comes() {
    auto stack = std::make_unique<SleeperStack>();
    ParkedThread first, second;
    StackedSleeper first_sleeper{first}, second_sleeper{second};
    stack->push(first_sleeper);
    stack->push(second_sleeper);
    thread([&] {
        ParkedThread third;
        StackedSleeper third_sleeper{third};
        stack->push(third_sleeper);
        if (stack->withdraw(third_sleeper)) return;
        third.wait();
        stack->woken(third_sleeper);
    });
    stack->wake_oldest(1);
    first.wait();
    stack->wake_oldest(1);
    second.wait();
    join();
    expect(!stack->any(), "a sleeper is left");
}

} // namespace

std::vector<Program> mpsc_thread_programs() {
    return {
        {"mpsc: two threads put, one gets, none blocks, room for one", none_blocks<1>, {.preemptions = 2}},
        {"mpsc: two threads put, one gets, none blocks, room for three", none_blocks<3>, {.preemptions = 2}},
        {"mpsc: room for all, another looks", room_for_all, {.preemptions = 2}},
        {"mpsc: a thread puts, another gets, a third looks", looked_at, {}},
        {"mpsc: two threads put, one gets, all block", all_block, {.preemptions = 0}},
        {"mpsc: two threads put, one gets, all block, a sleep ends for no reason",
         all_block,
         {.preemptions = 0, .spurious = 1}},
        {"mpsc: three threads put one each and block", one_after_the_other, {.preemptions = 0}},
        {"mpsc: two threads that block put, none gets, another closes", closed_while_full, {.preemptions = 2}},
        {"mpsc: two threads that block put, one gets, another closes", closed_while_one_gets, {.preemptions = 1}},
        {"mpsc: two threads put, another closes, one gets until the end", exact_end, {.preemptions = 1}},
        {"mpsc: all with a time limit", time_limits, {.preemptions = 1}},
        {"mpsc: one of two that wait gives up", one_gives_up, {.preemptions = 1}},
        {"mpsc: two threads put, one gets many", many_at_once, {.preemptions = 0}},
        {"mpsc: a sleeper leaves while it is put back", put_back_while_it_leaves, {}},
        {"mpsc: two sleepers leave while they are put back", put_back_while_two_leave, {.preemptions = 2}},
        {"mpsc: two sleepers leave, one is put back, one is woken",
         put_back_while_another_is_woken,
         {.preemptions = 2}},
        {"mpsc: a sleeper comes while another is put back", put_back_while_one_comes, {}},
    };
}

} // namespace model
