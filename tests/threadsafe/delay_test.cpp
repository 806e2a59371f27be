#include <rouse/threadsafe/delay.hpp>

#include <memory>

#if ROUSE_HOSTED
#include <thread>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"

using namespace test;

namespace {

// Logs its number and the second at which the delay elapsed.
Task<> wait_for(Delay& delay, Log& log, int n) {
    co_await delay.wait();
    const auto time = std::chrono::duration_cast<std::chrono::seconds>(Clock::now().time_since_epoch());
    log(std::to_string(n) + "@" + std::to_string(time.count()));
}

Task<> wait_once(Delay& delay) { co_await delay.wait(); }

constinit Delay made_before_main{1s};
constinit Delay of_a_signal{1us};

} // namespace

TEST_CASE("a delay elapses its duration after it was triggered") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        CHECK(!delay.running());
        delay.trigger();
        CHECK(delay.running());
        co_await wait_for(delay, log, 1);
        CHECK(!delay.running());
    };
    run_virtual(main());
    CHECK(log == "1@3");
}

TEST_CASE("a delay that is triggered while it runs starts again from then") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        delay.trigger();
        auto waiter = create_task(wait_for(delay, log, 1));
        for (int i = 0; i < 5; ++i) {
            co_await sleep(2s);
            CHECK(delay.running());
            delay.trigger();
        }
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "1@13");
}

TEST_CASE("a delay can be triggered with another duration for once, longer or shorter") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        delay.trigger(5s);
        co_await wait_for(delay, log, 1);
        delay.trigger();
        delay.trigger(1s);
        co_await wait_for(delay, log, 2);
        delay.trigger();
        co_await wait_for(delay, log, 3);
    };
    run_virtual(main());
    CHECK(log == "1@5 2@6 3@9");
}

TEST_CASE("a task may wait for a delay before it is triggered") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        auto waiter = create_task(wait_for(delay, log, 1));
        co_await sleep(10s);
        CHECK(!waiter.done());
        delay.trigger();
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "1@13");
}

TEST_CASE("all who wait for a delay go on in the order in which they began to wait") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        create_task(wait_for(delay, log, 1));
        create_task(wait_for(delay, log, 2));
        co_await sleep(1s);
        delay.trigger();
        create_task(wait_for(delay, log, 3));
        co_await sleep(1s);
        delay.trigger();
        create_task(wait_for(delay, log, 4));
        co_await sleep(1h);
    };
    run_virtual(main());
    CHECK(log == "1@5 2@5 3@5 4@5");
}

TEST_CASE("a delay that has elapsed makes nobody wait, until it is triggered or stopped") {
    Log log;
    auto main = [&]() -> Task<> {
        Delay delay{3s};
        delay.trigger();
        co_await sleep(10s);
        CHECK(!delay.running());
        co_await wait_for(delay, log, 1);
        co_await wait_for(delay, log, 2);
        delay.trigger();
        co_await wait_for(delay, log, 3);
        delay.stop();
        const auto late = co_await try_wait_for(delay.wait(), 1h);
        CHECK(late.timed_out());
    };
    run_virtual(main());
    CHECK(log == "1@10 2@10 3@13");
}

TEST_CASE("a waiter that has been woken goes on even if the delay is triggered again before it runs") {
    Log log;
    Delay delay{1s};
    auto triggers = [&]() -> Task<> {
        co_await sleep(1s);
        delay.trigger();
        log("triggered");
    };
    auto main = [&]() -> Task<> {
        auto first = create_task(triggers()); // its timer is due in the same instant, and was set before
        co_await yield();
        delay.trigger();
        co_await wait_for(delay, log, 1);
        CHECK(delay.running());
        co_await wait_for(delay, log, 2);
    };
    run_virtual(main());
    CHECK(log == "triggered 1@1 2@2");
}

TEST_CASE("a delay that is stopped does not elapse, and those who wait go on waiting") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        delay.trigger();
        auto waiter = create_task(wait_for(delay, log, 1));
        co_await sleep(1s);
        delay.stop();
        CHECK(!delay.running());
        co_await sleep(10s);
        CHECK(!waiter.done());
        delay.trigger();
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "1@14");
}

TEST_CASE("a delay of zero or less elapses at once") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        auto waiter = create_task(wait_for(delay, log, 1));
        co_await yield();
        delay.trigger(0s);
        CHECK(!delay.running());
        co_await waiter;
        delay.trigger(-1s);
        co_await wait_for(delay, log, 2);
    };
    run_virtual(main());
    CHECK(log == "1@0 2@0");
}

TEST_CASE("a delay of more than a century never elapses") {
    Delay delay{std::chrono::hours{24 * 365 * 200}};
    auto main = [&]() -> Task<> {
        delay.trigger();
        const auto late = co_await try_wait_for(delay.wait(), std::chrono::hours{24 * 365});
        CHECK(late.timed_out());
        CHECK(delay.running());
    };
    run_virtual(main());
}

TEST_CASE("a cancelled wait for a delay leaves the others waiting") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        delay.trigger();
        auto a = create_task(wait_for(delay, log, 1)), b = create_task(wait_for(delay, log, 2));
        co_await yield();
        a.cancel();
        delay.trigger(); // before a has run
        co_await b;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "2@3");
}

TEST_CASE("a cancelled wait for a delay that is not running leaves") {
    Log log;
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_for(delay, log, 1));
        co_await yield();
        a.cancel();
        co_await a.outcome();
        CHECK(a.cancelled());
        delay.trigger();
        co_await delay.wait();
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("cancelling wins when the delay has just elapsed") {
    Log log;
    Delay delay{1s};
    TaskHandle<> waiter;
    auto cancels = [&]() -> Task<> {
        co_await sleep(1s); // due before the delay is, in the same instant
        waiter.cancel();
    };
    auto main = [&]() -> Task<> {
        create_task(cancels());
        co_await yield();
        delay.trigger();
        waiter = create_task(wait_for(delay, log, 1));
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
        CHECK(!delay.running());
        co_await delay.wait(); // it stays elapsed
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("the wait for a delay can be limited, whether it runs or not") {
    Delay delay{3s};
    auto main = [&]() -> Task<> {
        const auto not_running = co_await try_wait_for(delay.wait(), 1s);
        CHECK(not_running.timed_out());
        delay.trigger();
        const auto late = co_await try_wait_for(delay.wait(), 1s);
        CHECK(late.timed_out());
        const auto in_time = co_await try_wait_for(delay.wait(), 3s);
        CHECK(in_time.has_value());
    };
    run_virtual(main());
}

TEST_CASE("a delay can be triggered while a select waits for it") {
    Delay delay{3s};
    Event event;
    auto triggers = [&]() -> Task<> {
        co_await sleep(1s);
        delay.trigger();
        co_await sleep(1s);
        delay.trigger();
    };
    auto main = [&]() -> Task<> {
        create_task(triggers());
        const auto start = Clock::now();
        const auto first = co_await select(event.wait(), delay.wait());
        CHECK(first.index() == 1);
        CHECK(Clock::now() - start == 5s);
        event.set();
        delay.trigger();
        const auto second = co_await select(delay.wait(), event.wait());
        CHECK(second.index() == 1);
    };
    run_virtual(main());
}

TEST_CASE("a delay that goes while tasks wait leaves them waiting until they are cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto delay = std::make_unique<Delay>(1s);
        delay->trigger();
        auto waiter = create_task(wait_for(*delay, log, 1));
        co_await yield();
        delay.reset();
        co_await sleep(1h);
        CHECK(!waiter.done());
        waiter.cancel();
        co_await waiter.outcome();
        CHECK(waiter.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a delay that is triggered before a loop has used it elapses its duration after the first use") {
    Log log;
    Delay delay{3s};
    delay.trigger();
    auto main = [&]() -> Task<> {
        co_await sleep(10s);
        co_await wait_for(delay, log, 1);
    };
    run_virtual(main());
    CHECK(log == "1@13");
}

TEST_CASE("to trigger with a duration without a loop is a clear error, and so is to ask whether it runs") {
    Delay delay{1s};
    CHECK(contains(misuse_of([&] { delay.trigger(1s); }), "there is no loop on this thread"));
    delay.trigger();
    CHECK(contains(misuse_of([&] { static_cast<void>(delay.running()); }), "there is no loop on this thread"));
}

TEST_CASE("of several calls in one turn the last one counts") {
    Log log;
    auto main = [&]() -> Task<> {
        Delay delay{3s};
        delay.trigger();
        delay.stop();
        co_await yield();
        const auto stopped = co_await try_wait_for(delay.wait(), 1h);
        CHECK(stopped.timed_out());
        delay.stop();
        delay.trigger();
        co_await delay.wait();
        CHECK(Clock::now().time_since_epoch() == 1h + 3s);
    };
    run_virtual(main());
}

TEST_CASE("a delay counts from the turn after trigger(), and from a use of it before that") {
    auto main = [&]() -> Task<> {
        Delay delay{3s};
        delay.trigger();
        co_await sleep(1s);
        CHECK(delay.running());
        co_await delay.wait();
        CHECK(Clock::now().time_since_epoch() == 3s);
        delay.trigger();
        CHECK(delay.running()); // though it has not arrived
        delay.trigger(1s);      // in place of the first, which arrives later
        co_await delay.wait();
        CHECK(Clock::now().time_since_epoch() == 4s);
        delay.trigger();
        CHECK(delay.running());
        delay.stop();
        CHECK_FALSE(delay.running());
        const auto stopped = co_await try_wait_for(delay.wait(), 1h);
        CHECK(stopped.timed_out());
    };
    run_virtual(main());
}

TEST_CASE("a delay can be bound to a loop that is not the current one") {
    VirtualTimePort port_a;
    VirtualTimePort port_b;
    Loop a{port_a};
    Loop b{port_b};
    auto sleeps = [](Clock::duration time) -> Task<> { co_await sleep(time); };
    a.run_until_complete(sleeps(100s));
    Delay delay{b, 5s};
    delay.trigger();
    auto main = [&]() -> Task<> {
        co_await sleep(4s);
        CHECK(delay.running());
        co_await delay.wait();
        CHECK(Clock::now().time_since_epoch() == 5s);
    };
    b.run_until_complete(main());
}

TEST_CASE("a delay of another loop can be waited for if no task of that loop waits") {
    VirtualTimePort port_a;
    VirtualTimePort port_b;
    Loop a{port_a};
    Loop b{port_b};
    Log log;
    Delay delay{a, 1s};
    delay.trigger();
    b.run_until_complete(wait_for(delay, log, 1)); // with a trigger on its way to a
    delay.stop();
    const auto waiter = a.create_task(wait_for(delay, log, 2));
    a.poll();
    delay.trigger();
    a.run_until_complete(waiter);
    CHECK(log == "1@1 2@1");
    delay.stop();
    a.create_task(wait_for(delay, log, 3));
    a.poll();
    CHECK(contains(misuse_of([&] { b.run_until_complete(wait_for(delay, log, 4)); }),
                   "rouse: Delay::wait: tasks of another loop are waiting; use one delay for each loop, made as "
                   "Delay{loop, duration}"));
}

TEST_CASE("a delay may end while a trigger is on its way to the loop") {
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            Delay delay{1s};
            delay.trigger();
            if (i == 1) CHECK(delay.running());
            if (i == 2) co_await yield();
        }
    };
    run_virtual(main());
}

TEST_CASE("a delay triggered and stopped by a signal handler, wherever it comes") {
    SignalTimer timer{[](int) {
        of_a_signal.stop();
        of_a_signal.trigger();
    }};
    auto main = [&]() -> Task<int> {
        int rounds = 0;
        for (; rounds < 300; ++rounds) {
            of_a_signal.stop();
            auto waiter = create_task(wait_once(of_a_signal));
            timer.arm(1000 + rounds * 53);
            if (rounds % 2 == 0) static_cast<void>(of_a_signal.running());
            co_await yield();
            co_await waiter;
        }
        co_return rounds;
    };
    CHECK(run(main()) == 300);
}

#if ROUSE_HOSTED

TEST_CASE("a delay that is running may outlive its loop, with or without tasks that waited for it") {
    Log log;
    for (int i = 0; i < 2; ++i) {
        VirtualTimePort port;
        Loop loop{port};
        made_before_main.trigger();
        loop.create_task(wait_for(made_before_main, log, 1));
        loop.poll();
    }
    {
        VirtualTimePort port;
        Loop loop{port};
        made_before_main.trigger();
    }
    made_before_main.stop();
    CHECK(!made_before_main.running());
    CHECK(log == "");
}

TEST_CASE("a delay may be used while its loop ends, and after that") {
    struct AtEnd {
        Delay& delay;
        bool& was_running;
        ~AtEnd() {
            delay.trigger();
            was_running = delay.running();
            delay.trigger();
        }
    };
    bool was_running = false;
    Delay delay{1s};
    {
        VirtualTimePort port;
        Loop loop{port};
        auto waits = [](Delay& of, bool& running) -> Task<> {
            const AtEnd at_end{of, running};
            co_await of.wait();
        };
        loop.create_task(waits(delay, was_running));
        loop.poll();
    }
    CHECK(was_running);
    delay.stop();
    Log log;
    auto main = [&]() -> Task<> {
        CHECK_FALSE(delay.running());
        delay.trigger();
        co_await wait_for(delay, log, 1);
    };
    run_virtual(main());
    CHECK(log == "1@1");
}

TEST_CASE("another thread triggers and stops a delay") {
    int written = 0;
    auto main = [&]() -> Task<> {
        Delay delay{1ms};
        std::thread other{[&] {
            for (int i = 0; i < 1000; ++i) {
                delay.stop();
                delay.trigger();
            }
            written = 1;
            delay.trigger();
        }};
        for (int i = 0; i < 100; ++i) {
            static_cast<void>(delay.running());
            co_await yield();
        }
        other.join();
        co_await delay.wait();
        CHECK(written == 1);
    };
    run(main());
}

TEST_CASE("a trigger of another thread wakes the loop that sleeps, and shows what was written before") {
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 200; ++i) {
            int written = 0;
            Delay delay{1us};
            std::thread other{[&] {
                written = 1;
                delay.trigger();
            }};
            co_await delay.wait();
            CHECK(written == 1);
            other.join();
        }
    };
    run(main());
}

#endif

TEST_CASE("a delay that is triggered while another loop is the current one stays in the loop of its waiter") {
    VirtualTimePort port_a;
    VirtualTimePort port_b;
    Loop a{port_a};
    Delay delay{5s};
    auto waits = [](Delay& of) -> Task<> { co_await of.wait(); };
    auto sleeps = [](Clock::duration time) -> Task<> { co_await sleep(time); };
    const auto waiter = a.create_task(waits(delay));
    a.run_until_complete(sleeps(1s));
    {
        Loop b{port_b};
        delay.trigger();
        b.run_until_complete(sleeps(10s));
        CHECK(b.live_tasks() == 0);
        CHECK_FALSE(waiter.done());
    }
    a.run_until_complete(sleeps(10s));
    CHECK(waiter.done());
}
