#include <rouse/sync/ticker.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

int in_ms(TimePoint time) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

struct Tick {
    int at_ms;
    std::uint64_t missed;
    bool operator==(const Tick&) const = default;
};
#if ROUSE_HOSTED
std::ostream& operator<<(std::ostream& out, const Tick& tick) { return out << tick.at_ms << "/" << tick.missed; }
#endif

// The ticks of a ticker of 10 ms whose task works for `work` after each of them.
Task<std::vector<Tick>> ticks(Missed missed, std::vector<Clock::duration> work) {
    std::vector<Tick> seen;
    Ticker ticker{10ms, missed};
    for (const auto each : work) {
        const auto dropped = co_await ticker.next();
        seen.push_back({in_ms(Clock::now()), dropped});
        if (each.count() > 0) co_await sleep(each);
    }
    co_return seen;
}

std::vector<Tick> run_ticks(Missed missed, std::vector<Clock::duration> work) {
    return run_virtual(ticks(missed, std::move(work)));
}

Task<> log_next(Ticker& ticker, Log& log) {
    co_await ticker.next();
    log(in_ms(Clock::now()));
}

} // namespace

TEST_CASE("a ticker starts at its first next(), and ticks one period later") {
    run_virtual([]() -> Task<> {
        Ticker ticker{10ms};
        CHECK(ticker.period() == 10ms);
        co_await sleep(7ms);
        for (const int when : {17, 27, 37}) {
            const auto missed = co_await ticker.next();
            CHECK(missed == 0);
            CHECK(in_ms(Clock::now()) == when);
        }
    }());
}

TEST_CASE("a million ticks do not drift, whatever the work between them takes") {
    run_virtual([]() -> Task<> {
        constexpr int count = 1'000'000;
        constexpr std::chrono::nanoseconds period{1'000'003};
        Ticker ticker{period};
        std::uint64_t missed = 0;
        unsigned random = 1;
        const auto start = Clock::now();
        for (int i = 0; i < count; ++i) {
            missed += co_await ticker.next();
            random = random * 1'664'525 + 1'013'904'223;
            if (i + 1 < count) co_await sleep(std::chrono::nanoseconds{random % 1'000'003});
        }
        CHECK(missed == 0);
        CHECK(Clock::now() - start == count * period);
    }());
}

TEST_CASE("missed ticks are skipped: the next tick comes at a multiple of the period") {
    const std::vector<Tick> expected{{10, 0}, {45, 2}, {50, 0}, {60, 0}};
    CHECK(run_ticks(Missed::skip, {35ms, 0ms, 0ms, 0ms}) == expected);
    const std::vector<Tick> exactly{{10, 0}, {40, 2}, {50, 0}};
    CHECK(run_ticks(Missed::skip, {30ms, 0ms, 0ms}) == exactly);
}

TEST_CASE("missed ticks come in a burst: none is dropped, and each says how many are still due") {
    const std::vector<Tick> expected{{10, 0}, {45, 2}, {45, 1}, {45, 0}, {50, 0}};
    CHECK(run_ticks(Missed::burst, {35ms, 0ms, 0ms, 0ms, 0ms}) == expected);
}

TEST_CASE("missed ticks delay the next ones: they come at multiples of the period from the late one") {
    const std::vector<Tick> expected{{10, 0}, {45, 2}, {55, 0}, {65, 0}};
    CHECK(run_ticks(Missed::delay, {35ms, 0ms, 0ms, 0ms}) == expected);
}

TEST_CASE("a tick that is late by less than a period moves no other") {
    for (const auto missed : {Missed::skip, Missed::burst, Missed::delay}) {
        const std::vector<Tick> expected{{10, 0}, {29, 0}, {30, 0}, {40, 0}};
        CHECK(run_ticks(missed, {19ms, 0ms, 0ms, 0ms}) == expected);
    }
}

TEST_CASE("a burst of ticks lets the other tasks run") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Ticker ticker{10ms, Missed::burst};
        co_await ticker.next();
        co_await sleep(40ms);
        create_task([](Log& other) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                other("other");
                co_await yield();
            }
        }(to));
        for (int i = 0; i < 3; ++i) {
            co_await ticker.next();
            to("tick");
        }
    }(log));
    CHECK(log == "other tick other tick other tick");
}

TEST_CASE("a next() that is cancelled, limited or the loser of a select takes no tick") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Ticker ticker{10ms};
        const auto waits = create_task(log_next(ticker, to));
        co_await sleep(4ms);
        waits.cancel();
        co_await sleep(1ms);
        CHECK(waits.cancelled());
        const auto limited = co_await try_wait_for(ticker.next(), 2ms);
        CHECK(limited.timed_out());
        const auto selected = co_await select(sleep(1ms), ticker.next());
        CHECK(selected.index() == 0);
        const auto missed = co_await ticker.next();
        CHECK(missed == 0);
        to(in_ms(Clock::now()));
    }(log));
    CHECK(log == "10");
}

TEST_CASE("a tick that was due when its task was cancelled is not lost") {
    Log log;
    run_virtual([](Log& to) -> Task<> {
        Ticker ticker{10ms};
        TaskHandle<> waits;
        const auto cancels = create_task([](TaskHandle<>& task) -> Task<> {
            co_await sleep(10ms);
            task.cancel();
        }(waits));
        co_await yield(); // so that it sleeps first, and runs after the tick's timer was due
        waits = create_task(log_next(ticker, to));
        co_await cancels;
        const auto ended = co_await waits.outcome();
        CHECK(ended.cancelled());
        const auto missed = co_await ticker.next();
        CHECK(missed == 0);
        to(in_ms(Clock::now()));
        co_await ticker.next();
        to(in_ms(Clock::now()));
    }(log));
    CHECK(log == "10 20");
}

TEST_CASE("a ticker takes any period: coarse, finer than a nanosecond, beyond the range of the clock") {
    using namespace std::chrono;
    CHECK(Ticker{duration<double>{0.25}}.period() == 250ms);
    CHECK(Ticker{duration<int, std::pico>{1}}.period() == 1ns);
    run_virtual([]() -> Task<> {
        Ticker never{hours::max()};
        const auto outcome = co_await try_wait_for(never.next(), hours{24 * 365 * 100});
        CHECK(outcome.timed_out());
    }());
}

TEST_CASE("a period that is not positive is a UsageError") {
    const std::string message = "rouse: Ticker: the period must be positive; use yield() to let other tasks run" +
                                std::string{ROUSE_EXCEPTIONS ? "" : "\n"};
    CHECK(misuse_of([] { Ticker ticker{0ms}; }) == message);
    CHECK(misuse_of([] { Ticker ticker{-1h, Missed::burst}; }) == message);
    CHECK(misuse_of([] { Ticker ticker{std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}}; }) ==
          message);
}

TEST_CASE("two tasks that wait for the same tick are a UsageError") {
    Log log;
    Ticker shared{10ms};
    CHECK(contains(misuse_of([&] {
                       run_virtual([](Ticker& ticker, Log& to) -> Task<> {
                           const auto first = create_task(log_next(ticker, to));
                           co_await yield();
                           co_await ticker.next();
                       }(shared, log));
                   }),
                   "rouse: Ticker::next: another task waits for the tick; give each task a Ticker of its own"));
    CHECK(log == "");
}
