// Two loops, each an ordinary world of tasks, linked by the objects of threadsafe/: in two threads, and polled in one.
#include <rouse/rouse.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

#if ROUSE_HOSTED
#include <atomic>
#include <thread>
#include <tuple>
#include <utility>

#include "support/spin.hpp"
#endif

using namespace test;

namespace {

template <class Queue>
Task<> put_and_close(Queue& queue, int count, bool& refused) {
    for (int i = 0; i < count; ++i) {
        const bool accepted = co_await queue.put(i);
        refused = refused || !accepted;
    }
    queue.close();
}

// How many came, all of them in order; -1 if not.
template <class Queue>
Task<int> count_in_order(Queue& queue) {
    int expected = 0;
    while (const auto item = co_await queue.next()) {
        if (*item != expected) co_return -1;
        ++expected;
    }
    co_return expected;
}

} // namespace

TEST_CASE("two loops that a host polls in turn are linked by a queue, and by a flag") {
    VirtualTimePort port_a, port_b;
    Loop a{port_a}, b{port_b};
    ThreadSafeQueue<int, 2> queue;
    ThreadSafeFlag done;
    bool refused = false, told = false;
    int received = 0;
    auto produce = [&]() -> Task<> {
        co_await put_and_close(queue, 100, refused);
        co_await done.wait();
        told = true;
    };
    auto consume = [&]() -> Task<> {
        received = co_await count_in_order(queue);
        done.set();
    };
    auto producer = a.create_task(produce());
    auto consumer = b.create_task(consume());
    for (int turn = 0; turn < 1000 && !producer.done(); ++turn) {
        a.poll();
        b.poll();
    }
    CHECK(consumer.done());
    CHECK(received == 100);
    CHECK(!refused);
    CHECK(told);
}

#if ROUSE_HOSTED // threads

namespace {

// Runs two coroutines, each on a loop of its own: one on a new thread, one on this.
template <class There, class Here>
void run_both(There there, Here here) {
    std::thread thread{[&] { run(there()); }};
    run(here());
    thread.join();
}

struct Readings {
    int pressure, temperature, humidity;
    static Readings of(int n) { return {n, n, n}; }
    [[nodiscard]] bool agree() const { return pressure == temperature && temperature == humidity; }
};

} // namespace

// ---- both alive ----

TEST_CASE("two loops: requests and answers go through two queues, both ends of each awaited, and other tasks go on") {
    ThreadSafeQueue<int, 3> requests, answers;
    constexpr int count = 5'000;
    std::atomic<int> wrong{0};
    int ticks_there = 0, ticks_here = 0;
    auto tick = [](int& ticks) -> Task<> {
        for (;; ++ticks) co_await sleep(100us);
    };
    auto answer = [&]() -> Task<> {
        create_task(tick(ticks_there));
        while (const auto request = co_await requests.next()) {
            const bool accepted = co_await answers.put(2 * *request);
            wrong += !accepted;
        }
        answers.close();
    };
    auto ask = [&]() -> Task<> {
        create_task(tick(ticks_here));
        bool refused = false;
        auto putting = create_task(put_and_close(requests, count, refused));
        int expected = 0;
        while (const auto got = co_await answers.next()) wrong += *got != 2 * expected++;
        co_await putting;
        wrong += expected != count || refused;
    };
    run_both(answer, ask);
    CHECK(wrong == 0);
    CHECK(ticks_there > 0);
    CHECK(ticks_here > 0);
}

TEST_CASE("two loops: a full queue holds back the task that puts, and only that one") {
    ThreadSafeQueue<int, 4> queue;
    std::atomic<int> accepted{0}, got{0};
    ThreadSafeFlag held_back, go_on;
    std::atomic<int> too_many{0};
    int others = 0;
    auto produce = [&]() -> Task<> {
        auto putting = [&]() -> Task<> {
            for (int i = 0; i < 100; ++i) {
                const bool done = co_await queue.put(i);
                if (done) ++accepted;
            }
            queue.close();
        };
        auto task = create_task(putting());
        // Each yield lets it put as much as it can: then it waits, and this task does not.
        for (; others < 50; ++others) co_await yield();
        too_many += accepted != 4;
        held_back.set();
        co_await task;
    };
    auto consume = [&]() -> Task<> {
        co_await held_back.wait();
        while (const auto item = co_await queue.next()) {
            ++got;
            too_many += accepted > got + 4;
            if (*item % 10 == 0) co_await sleep(100us);
        }
    };
    run_both(produce, consume);
    CHECK(too_many == 0);
    CHECK(others == 50);
    CHECK(got == 100);
    CHECK(accepted == 100);
}

TEST_CASE("two loops rouse each other by flags, and what one wrote before its set the other sees") {
    ThreadSafeFlag ping, pong;
    constexpr int rounds = 10'000;
    int ball = 0, wrong = 0; // no atomic: the flags order it
    auto there = [&]() -> Task<> {
        for (int n = 0; n < rounds; ++n) {
            co_await ping.wait();
            wrong += ball++ != 2 * n;
            pong.set();
        }
    };
    auto here = [&]() -> Task<> {
        for (int n = 0; n < rounds; ++n) {
            ping.set();
            co_await pong.wait();
            wrong += ball++ != 2 * n + 1;
        }
    };
    run_both(there, here);
    CHECK(wrong == 0);
    CHECK(ball == 2 * rounds);
}

TEST_CASE("two loops: an event that one sets rouses all tasks of the other that wait, round after round") {
    ThreadSafeEvent start;
    ThreadSafeFlag all_done;
    constexpr int rounds = 2'000;
    std::atomic<int> roused{0};
    int wrong = 0;
    auto there = [&]() -> Task<> {
        auto waits = [&]() -> Task<> {
            co_await start.wait();
            ++roused;
        };
        for (int round = 0; round < rounds; ++round) {
            co_await gather(waits(), waits(), waits());
            start.clear(); // by the loop that waits, before it says that it is ready for the next one
            all_done.set();
        }
    };
    auto here = [&]() -> Task<> {
        for (int round = 1; round <= rounds; ++round) {
            start.set();
            co_await all_done.wait();
            wrong += roused != 3 * round;
        }
    };
    run_both(there, here);
    CHECK(wrong == 0);
}

TEST_CASE("two loops: what one says in a message all tasks of the other get, or something newer, and the last one") {
    Message<Readings> message;
    constexpr int last = 20'000;
    std::atomic<int> wrong{0};
    auto listen = [&]() -> Task<> {
        auto listens = [&]() -> Task<> {
            for (int heard = 0; heard < last;) {
                const Readings readings = co_await message.wait();
                wrong += !readings.agree() || readings.pressure < heard;
                heard = readings.pressure;
                co_await yield(); // set it stays
            }
        };
        co_await gather(listens(), listens());
    };
    auto say = [&]() -> Task<> {
        for (int n = 1; n <= last; ++n) {
            wrong += !message.set(Readings::of(n));
            if (n % 100 == 0) co_await sleep(1us);
        }
    };
    run_both(listen, say);
    CHECK(wrong == 0);
}

TEST_CASE(
    "two loops: of what one publishes in a Latest the other gets whole values, newer ones only, and the last one") {
    Latest<Readings> latest;
    constexpr int last = 20'000;
    int wrong = 0;
    auto follow = [&]() -> Task<> {
        for (int seen = 0; seen < last;) {
            const Readings readings = co_await latest.next();
            wrong += !readings.agree() || readings.pressure <= seen;
            seen = readings.pressure;
        }
    };
    auto publish = [&]() -> Task<> {
        for (int n = 1; n <= last; ++n) {
            latest.publish(Readings::of(n));
            if (n % 100 == 0) co_await sleep(1us);
        }
    };
    run_both(follow, publish);
    CHECK(wrong == 0);
}

// ---- one ends while the other waits ----

TEST_CASE("two loops: close by the one that puts ends the wait of the one that gets, behind what was accepted") {
    for (int round = 0; round < 200; ++round) {
        ThreadSafeQueue<int, 8> queue;
        bool refused = false;
        int received = 0;
        auto get = [&]() -> Task<> { received = co_await count_in_order(queue); };
        auto put = [&]() -> Task<> {
            spin(round * 100);
            co_await put_and_close(queue, round % 12, refused);
        };
        run_both(get, put);
        REQUIRE(received == round % 12);
        REQUIRE(!refused);
    }
}

TEST_CASE("two loops: close by the one that gets ends the wait of the one that puts, which keeps its value") {
    for (int round = 0; round < 200; ++round) {
        ThreadSafeQueue<std::string, 1> queue;
        std::string value;
        bool accepted = true;
        auto put = [&]() -> Task<> {
            while (accepted) {
                value = "a string that is too long to be kept in place";
                accepted = co_await queue.put(std::move(value));
            }
        };
        auto get = [&]() -> Task<> {
            for (int i = 0; i < round % 3; ++i) (void)co_await queue.next();
            spin(round * 100);
            queue.close();
        };
        run_both(put, get);
        REQUIRE(value == "a string that is too long to be kept in place");
    }
}

namespace {

// Closes a queue when its owner ends, in whichever way.
template <class Queue>
class Closer {
public:
    explicit Closer(Queue& queue) : queue_{queue} {}
    ~Closer() { queue_.close(); }
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;

private:
    Queue& queue_;
};

} // namespace

TEST_CASE("two loops: a queue that a destructor closes ends the other's wait, however its own side ends") {
    enum class Way { returns, is_cancelled, goes_with_its_run, goes_with_its_loop };
    for (const Way way : {Way::returns, Way::is_cancelled, Way::goes_with_its_run, Way::goes_with_its_loop}) {
        ThreadSafeQueue<int, 4> queue;
        ThreadSafeEvent never;
        int received = 0;
        auto put = [&]() -> Task<> {
            const Closer closer{queue};
            for (int i = 0; i < 3; ++i) std::ignore = co_await queue.put(i);
            if (way != Way::returns) co_await never.wait();
        };
        auto start = [&]() -> Task<> {
            auto task = create_task(put());
            co_await sleep(1ms);
            if (way == Way::is_cancelled) task.cancel();
            if (way == Way::returns || way == Way::is_cancelled) co_await task.outcome();
        };
        std::thread thread{[&] {
            DefaultPort port;
            Loop loop{port};
            if (way == Way::goes_with_its_loop) {
                loop.run_until_complete(start());
            } else {
                loop.run(start());
            }
        }};
        auto get = [&]() -> Task<> { received = co_await count_in_order(queue); };
        run(get());
        thread.join();
        CHECK(received == 3);
    }
}

TEST_CASE("two loops: what one had not taken when it ended is there for the next one, in order") {
    for (int round = 0; round < 300; ++round) {
        ThreadSafeQueue<int, 64> queue;
        int taken = 0, wrong = 0;
        auto take = [&]() -> Task<> {
            while (const auto item = co_await queue.next()) wrong += *item != taken++;
        };
        // Ends while its task waits, or is about to go on.
        auto taker = [&]() -> Task<> {
            create_task(take());
            co_await yield();
            spin(round * 50);
        };
        auto put = [&]() -> Task<> {
            for (int i = 0; i < 50; ++i) {
                std::ignore = co_await queue.put(i);
                spin(round % 16);
            }
        };
        run_both(taker, put);
        queue.close();
        run(take());
        REQUIRE(wrong == 0);
        REQUIRE(taken == 50);
    }
}

TEST_CASE("two loops: a loop may be destroyed, its tasks waiting, at any moment around what the other one does") {
    for (int round = 0; round < 200; ++round) {
        ThreadSafeFlag flag;
        ThreadSafeEvent event;
        Message<int> message;
        Latest<int> latest;
        ThreadSafeQueue<int, 1> full, empty;
        REQUIRE(full.put_sync(1));
        int got = 0;
        auto wait_for_flag = [&]() -> Task<> { co_await flag.wait(); };
        auto wait_for_event = [&]() -> Task<> { co_await event.wait(); };
        auto wait_for_message = [&]() -> Task<> { (void)co_await message.wait(); };
        auto wait_for_latest = [&]() -> Task<> { (void)co_await latest.next(); };
        auto wait_for_item = [&]() -> Task<> {
            (void)co_await empty.get();
            ++got;
        };
        auto wait_for_room = [&]() -> Task<> { std::ignore = co_await full.put(2); };
        auto look = []() -> Task<> { co_await yield(); };
        std::atomic<bool> waits{false};
        std::thread thread{[&] {
            DefaultPort port;
            Loop loop{port};
            auto first = loop.create_task(wait_for_flag());
            auto second = loop.create_task(wait_for_event());
            auto third = loop.create_task(wait_for_message());
            auto fourth = loop.create_task(wait_for_latest());
            auto fifth = loop.create_task(wait_for_item());
            auto sixth = loop.create_task(wait_for_room());
            loop.run_until_complete(look());
            waits = true;
            spin(round * 7 % 1000);
        }};
        auto act = [&]() -> Task<> {
            while (!waits) co_await yield();
            spin(round * 13 % 1000);
            flag.set();
            event.set();
            REQUIRE(message.set(round));
            latest.publish(round);
            std::ignore = co_await empty.put(round);
            if (!full.get_sync()) got += 1000; // was there from the beginning
        };
        run(act());
        thread.join();
        REQUIRE(event.is_set());
        REQUIRE(message.value() == round);
        REQUIRE(latest.value() == round);
        if (const auto left = empty.get_sync()) got += *left == round;
        REQUIRE(got == 1); // the item was taken by the task, or is still there
    }
}

// ---- tasks of another loop ----

TEST_CASE("two loops: a task's result awaited from the other loop is a clear error, and comes through a queue of one") {
    ThreadSafeQueue<int, 1> result;
    std::string awaited, cancelled, outcome;
    int got = 0;
    auto work = [&]() -> Task<int> {
        co_await sleep(1ms);
        co_return 42;
    };
    auto work_and_tell = [&]() -> Task<> {
        const int value = co_await work();
        std::ignore = co_await result.put(value);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(work());
        auto awaits = [&]() -> Task<> { (void)co_await handle; };
        auto asks = [&]() -> Task<> { (void)co_await handle.outcome(); };
        auto cancels = [&]() -> Task<> {
            handle.cancel();
            co_return;
        };
        // While that thread runs this loop stands still: a handle is not to be copied while its loop runs.
        std::thread wrong{[&] {
            awaited = misuse_of([&] { run(awaits()); });
            outcome = misuse_of([&] { run(asks()); });
            cancelled = misuse_of([&] { run(cancels()); });
        }};
        wrong.join();
        auto telling = create_task(work_and_tell());
        std::thread right{[&] {
            auto get = [&]() -> Task<> {
                if (const auto value = co_await result.next()) got = *value;
            };
            run(get());
        }};
        co_await telling;
        right.join();
        co_await handle;
    };
    run(main());
    CHECK(contains(awaited, "co_await of a TaskHandle: the task belongs to another loop"));
    CHECK(contains(outcome, "co_await of a TaskHandle: the task belongs to another loop"));
    CHECK(contains(cancelled, "TaskHandle::cancel: the task belongs to the loop of another thread"));
    CHECK(got == 42);
}

TEST_CASE("two loops: one asks the other to cancel a task by a flag, and hears by another how it ended") {
    ThreadSafeFlag please_stop, stopped;
    bool cancelled = false;
    auto there = [&]() -> Task<> {
        auto work = []() -> Task<> {
            for (;;) co_await sleep(1h);
        };
        auto task = create_task(work());
        co_await please_stop.wait();
        task.cancel();
        const auto outcome = co_await task.outcome();
        cancelled = outcome.cancelled();
        stopped.set();
    };
    auto here = [&]() -> Task<> {
        please_stop.set();
        co_await stopped.wait();
    };
    run_both(there, here);
    CHECK(cancelled);
}

TEST_CASE("two loops: tasks of both that wait in one object are a clear error, and the first waits on") {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 1> queue;
    std::array<std::string, 3> messages;
    auto wait_for_flag = [&]() -> Task<> { co_await flag.wait(); };
    auto wait_for_event = [&]() -> Task<> { co_await event.wait(); };
    auto wait_for_item = [&]() -> Task<> { (void)co_await queue.get(); };
    auto main = [&]() -> Task<> {
        auto first = create_task(wait_for_flag());
        auto second = create_task(wait_for_event());
        auto third = create_task(wait_for_item());
        co_await yield();
        std::thread other{[&] {
            messages[0] = misuse_of([&] { run(wait_for_flag()); });
            messages[1] = misuse_of([&] { run(wait_for_event()); });
            messages[2] = misuse_of([&] { run(wait_for_item()); });
            flag.set();
            event.set();
            (void)queue.put_sync(1);
        }};
        other.join();
        co_await gather(first, second, third);
    };
    run(main());
    CHECK(contains(messages[0], "ThreadSafeFlag::wait: another task is waiting"));
    CHECK(contains(messages[1], "ThreadSafeEvent::wait: tasks of another loop are waiting"));
    CHECK(contains(messages[2], "ThreadSafeQueue: a second consumer"));
}

#endif
