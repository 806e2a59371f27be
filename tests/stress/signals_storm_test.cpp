// A timer's signal interrupts the thread at any moment around its wait. One signal in flight.
#include <csignal>
#include <optional>

#include <rouse/rouse.hpp>

#include "stress/storm.hpp"
#include "support/signal_timer.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

enum class Act {
    set_flag,
    set_event,
    put,
    get,
    close,
    set_message,
    publish,
    receive,
    answer,
    drop,
    commit,
    release,
    count
};

// What the handler works on: written by the thread before it arms the timer.
struct Target {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 2> queue;
    Message<int, 1> message;
    Latest<int> latest;
    RingIO<2> ring;
    OneShot<int> shot;
    OneShot<int>::Sender sender = shot.sender();
    SlotQueue<int, 1> slots;
    Act act{};
    int round = 0;
    bool done = false;
};
Target* target = nullptr;
std::atomic<bool> fired{false};

void interrupt(int) {
    Target& t = *target;
    switch (t.act) {
    case Act::set_flag: t.flag.set(); break;
    case Act::set_event: t.event.set(); break;
    case Act::put: t.done = t.queue.put_sync(t.round); break;
    case Act::get: t.done = t.queue.get_sync() == t.round; break;
    case Act::set_message: t.done = t.message.set(t.round); break;
    case Act::publish: t.latest.publish(t.round); break;
    case Act::receive: t.done = t.ring.received('r'); break;
    case Act::answer: t.sender.set(t.round); break;
    case Act::drop: t.sender = {}; break;
    case Act::commit:
        *t.slots.reserve() = t.round;
        t.done = t.slots.commit();
        break;
    case Act::release:
        t.done = *t.slots.peek() == t.round;
        t.slots.release();
        break;
    default: t.queue.close();
    }
    fired = true;
}

long moment(Dice& dice) { return 500 + dice(30'000); }

// As long as the signal may take, or shorter; a round's wait that was cancelled is made up for.
Task<> waits(Target& t) {
    switch (t.act) {
    case Act::set_flag: co_await t.flag.wait(); break;
    case Act::set_event: co_await t.event.wait(); break;
    case Act::put: {
        const int item = co_await t.queue.get();
        if (item != t.round) FAIL("item " << item << " in round " << t.round);
        break;
    }
    case Act::get: {
        const bool put = co_await t.queue.put(t.round + 2);
        if (!put) FAIL("not put in round " << t.round);
        break;
    }
    case Act::set_message: {
        const int value = co_await t.message.wait();
        if (value != t.round) FAIL("message " << value << " in round " << t.round);
        break;
    }
    case Act::publish: {
        const int value = co_await t.latest.next();
        if (value != t.round) FAIL("value " << value << " in round " << t.round);
        break;
    }
    case Act::receive: {
        char byte[1] = {};
        const std::size_t count = co_await t.ring.read(byte);
        if (count != 1 || byte[0] != 'r') FAIL("a wrong byte in round " << t.round);
        break;
    }
    case Act::answer:
    case Act::drop: {
        const auto answer = co_await t.shot.next();
        if (t.act == Act::answer ? answer != t.round : answer.has_value()) FAIL("wrong answer in round " << t.round);
        break;
    }
    case Act::commit: {
        const int* const slot = co_await t.slots.next_filled();
        if (slot == nullptr || *slot != t.round) FAIL("a wrong slot in round " << t.round);
        break;
    }
    case Act::release: {
        const int* const slot = co_await t.slots.next_free();
        if (slot == nullptr) FAIL("no free slot in round " << t.round);
        break;
    }
    default: {
        const auto item = co_await t.queue.next();
        if (item) FAIL("an item out of nothing in round " << t.round);
    }
    }
}

Task<> play(Storm& storm, SignalTimer& timer) {
    Dice dice{1};
    while (storm.goes_on()) {
        Target now;
        now.act = static_cast<Act>(dice(static_cast<int>(Act::count)));
        now.round = storm.round();
        bool full = true;
        if (now.act == Act::get) full = now.queue.put_sync(now.round) && now.queue.put_sync(now.round + 1);
        if (now.act == Act::release) {
            *now.slots.reserve() = now.round;
            full = now.slots.commit();
        }
        if (!full) FAIL("no room in round " << now.round);
        target = &now;
        fired = false;
        timer.arm(moment(dice));
        dice.linger();
        const int way = dice(3);
        auto waiter = create_task(waits(now));
        if (way == 1) {
            co_await sleep(std::chrono::nanoseconds{dice(30'000)});
            waiter.cancel();
        } else if (way == 2) {
            (void)co_await try_wait_for(waiter, std::chrono::nanoseconds{dice(30'000)});
        }
        co_await waiter.outcome();
        if (waiter.cancelled()) co_await waits(now);
        while (!fired) co_await sleep(1us); // a cancelled one may have been followed by what was there already
        const bool acted = now.done || (now.act != Act::put && now.act != Act::get);
        if (!acted) FAIL("the handler did nothing in round " << now.round);
    }
}

} // namespace

TEST_CASE(
    "storm: a signal sets, publishes, puts, gets, closes, receives, answers, commits or releases around a task's wait, "
    "which is also cancelled and timed") {
    SignalTimer timer{interrupt};
    Storm storm{"signals and tasks"};
    run(play(storm, timer));
}

#if !ROUSE_TSAN // which keeps signals back while a thread sleeps on a futex
TEST_CASE("storm: a signal feeds or closes the queue that its own thread is blocked in") {
    SignalTimer timer{interrupt};
    Storm storm{"signals and a blocked thread"};
    Dice dice{2};
    while (storm.goes_on()) {
        Target now;
        now.act = dice.one_in(4) ? Act::close : Act::put;
        now.round = storm.round();
        target = &now;
        fired = false;
        timer.arm(moment(dice));
        dice.linger();
        std::optional<int> item;
        if (dice.one_in(2)) item = now.queue.get_sync(std::chrono::nanoseconds{dice(30'000)});
        if (!item) item = now.queue.get_sync(block);
        const bool right = now.act == Act::put ? item == now.round : !item && now.queue.closed();
        if (!right) FAIL("wrong item in round " << now.round);
        while (!fired) {
        }
    }
}
#endif
