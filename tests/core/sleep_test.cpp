#include <rouse/core/sleep.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

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

TEST_CASE("a sleep starts at its co_await, not where it was made") {
    auto main = []() -> Task<> {
        auto nap = sleep(100ms);
        auto moved = sleep(20ms);
        auto until = sleep_until(Clock::now() + 400ms);
        co_await sleep(150ms);
        const auto start = Clock::now();
        co_await nap;
        CHECK(Clock::now() - start == 100ms);
        auto other = std::move(moved);
        co_await other;
        CHECK(Clock::now() - start == 120ms);
        co_await until; // a time point stays what it is
        CHECK(Clock::now() - start == 250ms);
    };
    run_virtual(main());
}

namespace {

// A clock that the test sets, one tick of which is a second.
struct SetClock {
    using duration = std::chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<SetClock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static inline time_point time{};
    static time_point now() { return time; }
};

} // namespace

TEST_CASE("sleep_until reads another clock at the co_await, once") {
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        SetClock::time = SetClock::time_point{10s};
        auto nap = sleep_until(SetClock::time_point{100s});
        SetClock::time = SetClock::time_point{40s};
        auto setter = create_task([]() -> Task<> {
            SetClock::time = SetClock::time_point{200s};
            co_return;
        }());
        co_await nap;
        CHECK(Clock::now() - start == 60s);
        co_await setter;
    };
    run_virtual(main());
}

TEST_CASE("the limit of wait_for counts from its co_await") {
    auto main = []() -> Task<> {
        Event event;
        auto wait = try_wait_for(event.wait(), 100ms);
        auto of_task = try_wait_for([](Event& e) -> Task<> { co_await e.wait(); }(event), 100ms);
        co_await sleep(150ms);
        auto start = Clock::now();
        const auto outcome = co_await std::move(wait);
        CHECK(outcome.timed_out());
        CHECK(Clock::now() - start == 100ms);
        start = Clock::now();
        const auto outcome_of_task = co_await std::move(of_task);
        CHECK(outcome_of_task.timed_out());
        CHECK(Clock::now() - start == 100ms);
    };
    run_virtual(main());
}

TEST_CASE("sleeps in a select start when it is awaited") {
    auto main = []() -> Task<> {
        auto race = select(sleep(100ms), sleep(200ms));
        co_await sleep(150ms);
        const auto start = Clock::now();
        const auto first = co_await std::move(race);
        CHECK(first.index() == 0);
        CHECK(Clock::now() - start == 100ms);
    };
    run_virtual(main());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("awaiting the result of sleep twice is an error") {
    auto main = []() -> Task<> {
        auto nap = sleep(100ms);
        co_await nap;
        bool refused = false;
        try {
            co_await nap;
        } catch (const UsageError& error) {
            refused = std::string{error.what()}.starts_with("rouse: sleep: ");
        }
        CHECK(refused);
    };
    run_virtual(main());
}
#endif

#if ROUSE_HOSTED
TEST_CASE("extreme sleeps leave the other tasks of a loop in real time alone") {
    using namespace std::chrono;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    // All at the same time, as one that confuses the loop stops the others.
    auto never = [](auto awaiter) -> Task<> {
        (void)co_await std::move(awaiter);
        FAIL("a sleep that never ends has ended");
    };
    auto main = [&]() -> Task<> {
        std::vector<TaskHandle<>> sleepers;
        const auto add = [&](auto awaiter) { sleepers.push_back(create_task(never(std::move(awaiter)))); };
        add(sleep_until(steady_clock::time_point::max()));
        add(sleep_until(steady_clock::time_point::max() - 1ns));
        add(sleep_until(system_clock::time_point::max()));
        add(sleep_until(sys_seconds::max()));
        add(sleep_until(sys_days{year{9999} / 12 / 31}));
        add(sleep_until(TimePoint::max()));
        add(sleep_until(TimePoint::max() - 1ns));
        add(sleep(nanoseconds::max() - 1s));
        add(sleep(nanoseconds::max()));
        add(sleep(hours::max()));
        add(sleep(duration<double>{1e30}));
        add(sleep(duration<double, std::pico>{1e30}));
        add(sleep(duration<double>{infinity}));
        Event event;
        add(try_wait_for(event.wait(), steady_clock::time_point::max() - steady_clock::now()));
        co_await sleep(1ms);
        co_await sleep_until(steady_clock::time_point::min());
        co_await sleep_until(sys_seconds::min());
        co_await sleep_until(sys_days{year{1601} / 1 / 1});
        co_await sleep_until(TimePoint::min() + 1ns);
        co_await sleep(nanoseconds::min());
        co_await sleep(seconds{-9223372037});
        co_await sleep(hours{-2562048});
        co_await sleep(minutes{-200000000});
        co_await sleep(duration<double>{nan});
        co_await sleep(duration<double>{-infinity});
        co_await sleep(duration<double>{-1e30});
        for (auto& sleeper : sleepers) {
            CHECK(!sleeper.done());
            sleeper.cancel();
            co_await sleeper.outcome();
        }
    };
    run(main());
}
#endif
