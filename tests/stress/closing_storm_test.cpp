// A queue that a third thread closes at a random moment, again and again: what was accepted is received, in order, and
// both sides end. One side is a thread, which blocks, blocks for a time, or does not; the other is a task.
#include <rouse/rouse.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

struct Round {
    ThreadSafeQueue<int, 2> queue;
    int accepted = 0; // the producer's
    int received = 0; // the consumer's
    bool in_order = true;
    ThreadSafeFlag side_ended, closed; // what the threads have done

    void receive(int item) {
        in_order = in_order && item == received;
        ++received;
    }
};

// A thread that works on each round that it is given, until it is given none.
class Worker {
public:
    template <class F>
    explicit Worker(F work)
        : thread_{[this, work]() mutable {
              while (const auto round = rounds_.get_sync(block)) work(**round);
          }} {}
    ~Worker() {
        rounds_.close();
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    Task<> begin(Round& round) {
        const bool given = co_await rounds_.put(&round);
        if (!given) FAIL("the worker has ended");
    }

private:
    ThreadSafeQueue<Round*, 1> rounds_;
    std::thread thread_;
};

auto closes(unsigned seed) {
    return [dice = Dice{seed}](Round& round) mutable {
        dice.linger_or_sleep();
        if (dice.one_in(4)) dice.linger_or_sleep();
        round.queue.close();
        round.closed.set();
    };
}

auto produces(unsigned seed) {
    return [dice = Dice{seed}](Round& round) mutable {
        while (!round.queue.closed()) {
            bool accepted = false;
            switch (dice(3)) {
            case 0: accepted = round.queue.put_sync(round.accepted); break;
            case 1: accepted = round.queue.put_sync(round.accepted, std::chrono::microseconds{dice(50)}); break;
            default: accepted = round.queue.put_sync(round.accepted, block);
            }
            round.accepted += accepted;
        }
        round.side_ended.set();
    };
}

auto consumes(unsigned seed) {
    return [dice = Dice{seed}](Round& round) mutable {
        for (;;) {
            std::optional<int> item;
            const int way = dice(3);
            if (way == 0) item = round.queue.get_sync();
            if (way == 1) item = round.queue.get_sync(std::chrono::microseconds{dice(50)});
            if (way == 2) item = round.queue.get_sync(block);
            if (item) round.receive(*item);
            if (!item && way == 2) break;
        }
        round.side_ended.set();
    };
}

Task<> gets(Round& round) {
    for (;;) {
        const auto item = co_await round.queue.next();
        if (!item) break;
        round.receive(*item);
    }
}

Task<> puts(Round& round) {
    for (;;) {
        const bool put = co_await round.queue.put(round.accepted);
        if (!put) break;
        ++round.accepted;
    }
}

Task<> play(const char* name, Worker& closer, Worker& side, Task<> (*other_side)(Round&)) {
    Storm storm{name};
    long items = 0;
    while (storm.goes_on()) {
        Round round;
        co_await side.begin(round);
        co_await closer.begin(round);
        co_await other_side(round);
        co_await round.side_ended.wait();
        co_await round.closed.wait();
        if (round.accepted != round.received || !round.in_order)
            FAIL(round.accepted << " accepted, " << round.received << " received in round " << storm.round());
        items += round.received;
    }
    CHECK(items > 0);
}

} // namespace

TEST_CASE("storm: a queue from a thread to a task is closed by a third thread: what was accepted is received") {
    Worker closer{closes(1)}, side{produces(2)};
    run(play("closed while a thread puts", closer, side, gets));
}

TEST_CASE("storm: a queue from a task to a thread is closed by a third thread: what was accepted is received") {
    Worker closer{closes(3)}, side{consumes(4)};
    run(play("closed while a thread gets", closer, side, puts));
}
