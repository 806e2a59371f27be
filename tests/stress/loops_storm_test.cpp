// Two loops in two threads, which answer each other through all objects. Waits are cancelled and timed in between.
#include <optional>

#include <rouse/rouse.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

using Channel = ThreadSafeQueue<int, 1>;

Task<bool> put(Channel& channel, int item) { co_return co_await channel.put(item); }
Task<std::optional<int>> next(Channel& channel) { co_return co_await channel.next(); }

// What a task returns, or nothing if it was cancelled, which happens at random.
template <class T>
Task<std::optional<T>> at_random(Task<T> task, Dice& dice) {
    auto handle = create_task(std::move(task));
    for (int i = dice(3); i > 0; --i) co_await yield();
    dice.linger();
    if (dice.one_in(3)) handle.cancel();
    if (dice.one_in(3)) (void)co_await try_wait_for(handle, std::chrono::microseconds{dice(30)});
    auto outcome = co_await handle.outcome();
    std::optional<T> result;
    if (outcome.has_value()) result = outcome.value();
    co_return result;
}

// A put that does not return before it is done, but may be cancelled and tried anew until then.
Task<bool> put_at_random(Channel& channel, int item, Dice& dice) {
    for (int tries = dice(3); tries > 0; --tries) {
        const auto done = co_await at_random(put(channel, item), dice);
        if (done) co_return *done;
    }
    co_return co_await put(channel, item);
}

Task<std::optional<int>> next_at_random(Channel& channel, Dice& dice) {
    for (int tries = dice(3); tries > 0; --tries) {
        const auto got = co_await at_random(next(channel), dice);
        if (got) co_return *got;
    }
    co_return co_await next(channel);
}

} // namespace

TEST_CASE("storm: two loops send each item there and back, by puts and gets that are cancelled and timed") {
    Channel there, back;
    std::thread other{[&] {
        auto answering = [&]() -> Task<> {
            Dice dice{1};
            for (;;) {
                const auto item = co_await next_at_random(there, dice);
                if (!item) break;
                const bool put = co_await put_at_random(back, *item, dice);
                if (!put) break;
            }
            back.close();
        };
        run(answering());
    }};
    auto main = [&]() -> Task<> {
        Storm storm{"two loops, two queues"};
        Dice dice{2};
        int sent = 0, received = 0;
        while (storm.goes_on()) {
            // Up to four are on the way: one in each queue, one in each loop's hands.
            while (sent - received < 1 + storm.round() % 3) {
                const bool put = co_await put_at_random(there, sent, dice);
                if (!put) FAIL("closed");
                ++sent;
            }
            const auto item = co_await next_at_random(back, dice);
            if (item != received) FAIL("out of order in round " << storm.round());
            ++received;
        }
        there.close();
        for (;;) {
            const auto item = co_await next_at_random(back, dice);
            if (!item) break;
            received += *item == received;
        }
        CHECK(received == sent);
    };
    run(main());
    other.join();
}

TEST_CASE("storm: two loops answer each other through flags, events and queues, with cancelled waits in between") {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    Channel there, back;
    // The other loop: for each number it gets, it sets what the number says, and sends the number back.
    auto answering = [&]() -> Task<> {
        Dice dice{3};
        for (;;) {
            const auto request = co_await there.next();
            if (!request) break;
            dice.linger();
            if (*request % 3 == 0) flag.set();
            if (*request % 3 == 1) event.set();
            const bool put = co_await back.put(*request);
            if (!put) break;
        }
        back.close();
    };
    std::thread other{[&] { run(answering()); }};
    auto main = [&]() -> Task<> {
        Storm storm{"two loops, flags and events"};
        Dice dice{4};
        const auto wait_flag = [](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); };
        const auto wait_event = [](ThreadSafeEvent& e) -> Task<> { co_await e.wait(); };
        while (storm.goes_on()) {
            const int round = storm.round();
            TaskHandle<> waiters[3];
            if (round % 3 == 0) waiters[0] = create_task(wait_flag(flag));
            if (round % 3 == 1) {
                for (auto& waiter : waiters) waiter = create_task(wait_event(event));
            }
            if (dice.one_in(2)) co_await yield();
            const bool sent = co_await there.put(round);
            if (!sent) FAIL("the queue is closed");
            dice.linger();
            if (dice.one_in(2)) waiters[0].cancel();
            const auto answer = co_await back.next();
            if (answer != round) FAIL("answer out of order in round " << round);
            bool cancelled = false;
            for (auto& waiter : waiters) {
                if (!waiter) continue;
                co_await waiter.outcome();
                cancelled = cancelled || waiter.cancelled();
            }
            if (round % 3 == 0 && cancelled) co_await flag.wait(); // a cancelled wait has left it set
            if (round % 3 == 1) event.clear();
            if (flag.is_set() || event.is_set()) FAIL("set after round " << round);
        }
        there.close();
        const auto end = co_await back.next();
        if (end) FAIL("an answer that nobody asked for");
    };
    run(main());
    other.join();
}
