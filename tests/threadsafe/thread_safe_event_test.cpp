#include <rouse/threadsafe/thread_safe_event.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_port.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"

using namespace test;

namespace {

constinit ThreadSafeEvent global;

Task<> wait_for(ThreadSafeEvent& event, Log& log, int n) {
    co_await event.wait();
    log(n);
}

} // namespace

TEST_CASE("all who wait go on in the order in which they began to wait") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 5; ++i) create_task(wait_for(event, log, i));
        co_await sleep(1s);
        event.set();
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "1 2 3 4 5");
}

TEST_CASE("the event stays set until it is cleared") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        event.set();
        CHECK(event.is_set());
        co_await event.wait();
        co_await event.wait();
        event.clear();
        CHECK(!event.is_set());
        auto handle = create_task(wait_for(event, log, 1));
        co_await sleep(1s);
        CHECK(!handle.done());
        event.set();
        co_await handle;
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("who waited when the event was set goes on, who began after it was cleared does not") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        create_task(wait_for(event, log, 1));
        co_await yield();
        event.set();   // on its way to the inbox
        event.clear(); // before it has arrived
        auto later = create_task(wait_for(event, log, 2));
        co_await sleep(1s);
        CHECK(!later.done());
        event.set();
        co_await later;
    };
    run_virtual(main());
    CHECK(log == "1 2");
}

TEST_CASE("set, clear, set again while the event is on its way rouses everybody once") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        create_task(wait_for(event, log, 1));
        co_await yield();
        event.set();
        event.clear();
        auto later = create_task(wait_for(event, log, 2));
        co_await yield();
        event.set();
        co_await later;
        CHECK(event.is_set());
    };
    run_virtual(main());
    CHECK(log == "1 2");
}

TEST_CASE("a cancelled event wait leaves the others waiting") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        std::vector<TaskHandle<>> handles;
        for (int i = 0; i < 4; ++i) handles.push_back(create_task(wait_for(event, log, i)));
        co_await yield();
        handles[1].cancel();
        co_await handles[1].outcome();
        event.set();
        for (auto& handle : handles) co_await handle.outcome();
        CHECK(handles[1].cancelled());
    };
    run_virtual(main());
    CHECK(log == "0 2 3");
}

TEST_CASE("when the last waiter is cancelled the event is as if nobody had waited") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        auto handle = create_task(wait_for(event, log, 1));
        co_await yield();
        handle.cancel();
        co_await handle.outcome();
        CHECK(!event.is_set());
        auto next = create_task(wait_for(event, log, 2));
        co_await yield();
        event.set();
        co_await next;
    };
    run_virtual(main());
    CHECK(log == "2");
}

TEST_CASE("a wait cancelled while the set is on its way ends when it arrives, as cancelled") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        auto handle = create_task(wait_for(event, log, 1));
        co_await yield();
        event.set();
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(event.is_set());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a wait that began while the event was on its way, after a clear, can be cancelled, and destroyed") {
    ThreadSafeEvent event;
    Log log;
    auto main = [&]() -> Task<> {
        create_task(wait_for(event, log, 1));
        co_await yield();
        auto later = create_task(wait_for(event, log, 2));
        auto last = create_task(wait_for(event, log, 3));
        event.set();
        event.clear();
        co_await yield(); // they wait, and the event has not arrived
        CHECK(later.cancel());
        co_await later.outcome();
        CHECK(later.cancelled());
        CHECK(!last.done());
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("an event that goes while it is on its way, and somebody waits for the next set, goes at once") {
    Log log;
    auto main = [&]() -> Task<> {
        auto event = std::make_unique<ThreadSafeEvent>();
        auto due = create_task(wait_for(*event, log, 1));
        co_await yield();
        auto later = create_task(wait_for(*event, log, 2));
        event->set();
        event->clear();
        co_await yield();
        event.reset();
        co_await due;
        CHECK(!later.done());
        later.cancel();
        co_await later.outcome();
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("waiters of two loops are a clear error") {
    auto two = [] {
        ThreadSafeEvent event;
        Log log;
        VirtualTimePort port_a, port_b;
        Loop loop_a{port_a};
        loop_a.create_task(wait_for(event, log, 1));
        loop_a.poll();
        Loop loop_b{port_b};
        loop_b.run(wait_for(event, log, 2));
    };
    CHECK(contains(misuse_of(two), "ThreadSafeEvent::wait: tasks of another loop are waiting"));
}

TEST_CASE("an event that goes while tasks wait leaves them; one that is on its way is waited for") {
    Log log;
    auto main = [&]() -> Task<> {
        TaskHandle<> waiting, roused;
        {
            ThreadSafeEvent a, b;
            waiting = create_task(wait_for(a, log, 1));
            roused = create_task(wait_for(b, log, 2));
            co_await yield();
            b.set();
        }
        co_await roused;
        CHECK(!waiting.done());
        waiting.cancel();
        co_await waiting.outcome();
    };
    run_virtual(main());
    CHECK(log == "2");
}

#if ROUSE_HOSTED // threads
TEST_CASE("an event set by a thread rouses all tasks, round after round, and what was written before is seen") {
    ThreadSafeEvent event;
    ThreadSafeEvent done;
    constexpr int rounds = 5'000;
    int value = 0;
    std::thread setter{[&] {
        auto answering = [&]() -> Task<> {
            for (int i = 0; i < rounds; ++i) {
                ++value;
                event.set();
                co_await done.wait();
                done.clear();
            }
        };
        run(answering());
    }};
    int woken = 0;
    auto waiter = [&](int round) -> Task<> {
        co_await event.wait();
        if (value != round + 1) FAIL("stale value " << value << " in round " << round);
        ++woken;
    };
    auto main = [&]() -> Task<> {
        for (int i = 0; i < rounds; ++i) {
            TaskHandle<> handles[3] = {create_task(waiter(i)), create_task(waiter(i)), create_task(waiter(i))};
            if (i % 2 == 0) handles[i % 3].cancel();
            for (auto& handle : handles) co_await handle.outcome();
            event.clear();
            done.set();
        }
    };
    run(main());
    setter.join();
    CHECK(woken >= 2 * rounds);
}
#endif

TEST_CASE("an event set by a signal handler, with some of its waiters cancelled each round") {
    SignalTimer timer{[](int) { global.set(); }};
    auto main = [&]() -> Task<int> {
        int rounds = 0;
        Log log;
        for (; rounds < 300; ++rounds) {
            TaskHandle<> handles[4];
            for (int i = 0; i < 4; ++i) handles[i] = create_task(wait_for(global, log, i));
            timer.arm(1000 + rounds * 53);
            co_await yield();
            handles[rounds % 4].cancel();
            for (auto& handle : handles) co_await handle.outcome();
            global.clear();
        }
        co_return rounds;
    };
    CHECK(run(main()) == 300);
}
