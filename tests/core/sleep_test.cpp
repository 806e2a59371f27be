#include <rouse/core/sleep.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("sleep lasts as long as it was told, and sleep_until until then") {
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        co_await sleep(90min);
        CHECK(Clock::now() - start == 90min);
        co_await sleep_until(start + 100min);
        CHECK(Clock::now() - start == 100min);
        co_await sleep_until(start);
        CHECK(Clock::now() - start == 100min);
    };
    run_virtual(main());
}

TEST_CASE("timers due at one instant fire in the order set, others by their time") {
    Log log;
    auto sleeper = [&](int n, Clock::duration time) -> Task<> {
        co_await sleep(time);
        log(n);
    };
    auto main = [&]() -> Task<> {
        create_task(sleeper(1, 20ms));
        create_task(sleeper(2, 10ms));
        create_task(sleeper(3, 20ms));
        create_task(sleeper(4, 10ms));
        create_task(sleeper(5, 5ms));
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "5 2 4 1 3");
}

TEST_CASE("sleep of zero or less, and yield, go once round the ready queue") {
    Log log;
    auto other = [&]() -> Task<> {
        log("other");
        co_await yield();
        log("other");
        co_await yield();
        log("other");
        co_await yield();
        log("other");
    };
    auto main = [&]() -> Task<> {
        create_task(other());
        log("main");
        co_await sleep(0ms);
        log("main");
        co_await sleep(-5s);
        log("main");
        co_await yield();
        log("main");
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "main other main other main other main other");
}

TEST_CASE("any duration will do: floating, coarse, fine, and beyond the range of the clock") {
    using namespace std::chrono;
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        co_await sleep(duration<double>{0.5});
        CHECK(Clock::now() - start == 500ms);
        co_await sleep(duration<int, std::pico>{1500}); // rounded up
        CHECK(Clock::now() - start == 500ms + 2ns);
        auto handle = create_task([]() -> Task<> { co_await sleep(hours::max()); }());
        co_await sleep(hours{24 * 365 * 50});
        CHECK(!handle.done());
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
}

TEST_CASE("a tick counter that is near its end still orders timers") {
    VirtualTimePort port;
    port.advance(Clock::duration::max() / 4);
    Loop loop{port};
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        co_await sleep(3s);
        CHECK(Clock::now() - start == 3s);
    };
    loop.run(main());
}

TEST_CASE("a cancelled sleep leaves the other timers alone") {
    Log log;
    auto sleeper = [&](int n, Clock::duration time) -> Task<> {
        co_await sleep(time);
        log(n);
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(sleeper(1, 1s)), b = create_task(sleeper(2, 2s)), c = create_task(sleeper(3, 3s));
        co_await yield();
        a.cancel();
        co_await sleep(2500ms);
        c.cancel();
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "2");
}
