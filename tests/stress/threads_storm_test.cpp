// A thread and the tasks of a loop, through all objects: the thread's calls do not block, block, or block for a time;
// the tasks' waits are cancelled and timed.
#include <optional>

#include <rouse/rouse.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

using Channel = ThreadSafeQueue<int, 2>;

// A thread's put, in any of its forms, until it is accepted; false if the queue is closed.
bool put_somehow(Channel& queue, int item, Dice& dice) {
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

// A thread's get; nothing if the queue is closed and drained.
std::optional<int> get_somehow(Channel& queue, Dice& dice) {
    for (;;) {
        std::optional<int> item;
        switch (dice(3)) {
        case 0: item = queue.get_sync(); break;
        case 1: item = queue.get_sync(std::chrono::microseconds{dice(50)}); break;
        default: return queue.get_sync(block);
        }
        if (item) return item;
    }
}

} // namespace

TEST_CASE("storm: puts of a task that are cancelled and timed, gets of a thread: every accepted item arrives, once") {
    Channel queue;
    int received = 0;
    bool in_order = true;
    std::thread consumer{[&] {
        Dice dice{1};
        // Not until the queue says so, as a get for a time cannot tell a closed queue from an empty one.
        while (const auto item = get_somehow(queue, dice)) {
            in_order = in_order && *item == received;
            ++received;
            dice.linger_or_sleep();
        }
    }};
    int accepted = 0;
    auto main = [&]() -> Task<> {
        Storm storm{"a task puts, a thread gets"};
        Dice dice{2};
        while (storm.goes_on()) {
            auto putter =
                create_task([](auto& q, int n) -> Task<bool> { co_return co_await q.put(n); }(queue, accepted));
            for (int i = dice(3); i > 0; --i) co_await yield();
            dice.linger();
            if (dice.one_in(3)) putter.cancel();
            if (dice.one_in(3)) (void)co_await try_wait_for(putter, std::chrono::microseconds{dice(50)});
            auto outcome = co_await putter.outcome();
            if (outcome.has_value()) accepted += outcome.value();
        }
        queue.close();
        consumer.join();
    };
    run(main());
    CHECK(in_order);
    CHECK(received == accepted);
}

TEST_CASE("storm: puts of a thread, gets of a task that are cancelled and timed: every accepted item arrives, once") {
    Channel queue;
    int accepted = 0;
    std::atomic<bool> stop{false};
    std::thread producer{[&] {
        Dice dice{3};
        while (!stop) {
            accepted += put_somehow(queue, accepted, dice);
            dice.linger_or_sleep();
        }
        queue.close();
    }};
    int received = 0;
    bool in_order = true;
    auto main = [&]() -> Task<> {
        Storm storm{"a thread puts, a task gets"};
        Dice dice{4};
        for (;;) {
            if (!storm.goes_on()) stop = true;
            auto getter = create_task([](auto& q) -> Task<std::optional<int>> { co_return co_await q.next(); }(queue));
            for (int i = dice(3); i > 0; --i) co_await yield();
            dice.linger();
            if (dice.one_in(3)) getter.cancel();
            if (dice.one_in(3)) (void)co_await try_wait_for(getter, std::chrono::microseconds{dice(50)});
            auto outcome = co_await getter.outcome();
            if (!outcome.has_value()) continue;
            if (!outcome.value()) break;
            in_order = in_order && *outcome.value() == received;
            ++received;
        }
        producer.join();
    };
    run(main());
    CHECK(in_order);
    CHECK(received == accepted);
}

TEST_CASE("storm: a thread answers through a flag, an event, and both ends of queues") {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    Channel requests, answers, room;
    REQUIRE(room.put_sync(0));
    REQUIRE(room.put_sync(0)); // full
    std::thread thread{[&] {
        Dice dice{5};
        while (const auto request = get_somehow(requests, dice)) {
            dice.linger_or_sleep();
            switch (*request % 4) {
            case 0: flag.set(); break;
            case 1: event.set(); break;
            case 2: put_somehow(answers, *request, dice); break;
            default: (void)get_somehow(room, dice);
            }
        }
    }};
    auto wait_for_answer = [&](int request) -> Task<> {
        switch (request % 4) {
        case 0: co_await flag.wait(); break;
        case 1: co_await event.wait(); break;
        case 2: {
            const int answer = co_await answers.get();
            if (answer != request) FAIL("answer " << answer << " in round " << request);
            break;
        }
        default: {
            const bool put = co_await room.put(request);
            if (!put) FAIL("not put in round " << request);
        }
        }
    };
    auto main = [&]() -> Task<> {
        Storm storm{"a thread answers"};
        Dice dice{6};
        while (storm.goes_on()) {
            const int request = storm.round();
            const bool first = dice.one_in(2);
            TaskHandle<> waiter;
            if (first) waiter = create_task(wait_for_answer(request));
            if (dice.one_in(2)) co_await yield();
            const bool sent = co_await requests.put(request);
            if (!sent) FAIL("the queue is closed");
            if (!first) waiter = create_task(wait_for_answer(request));
            dice.linger();
            if (dice.one_in(3)) waiter.cancel();
            if (dice.one_in(3)) (void)co_await try_wait_for(waiter, std::chrono::microseconds{dice(30)});
            co_await waiter.outcome();
            if (waiter.cancelled()) co_await wait_for_answer(request);
            event.clear();
        }
        requests.close();
        thread.join();
    };
    run(main());
    CHECK(!flag.is_set());
    CHECK(answers.empty());
    CHECK(room.full());
}
