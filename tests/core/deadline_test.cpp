#include <rouse/core/detail/deadline.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <ratio>
#include <string>
#include <tuple>
#include <type_traits>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;
using std::chrono::duration;
using std::chrono::nanoseconds;

namespace {

constexpr std::intmax_t greatest = std::numeric_limits<std::intmax_t>::max();

using Representations = std::tuple<signed char, short, int, long, long long, unsigned char, unsigned short, unsigned,
                                   unsigned long, unsigned long long, float, double, long double>;
using Periods =
    std::tuple<std::atto, std::femto, std::pico, std::nano, std::micro, std::milli, std::centi, std::ratio<1>,
               std::kilo, std::giga, std::peta, std::exa, std::ratio<60>, std::ratio<3600>, std::ratio<86400>,
               std::ratio<31556952>, std::ratio<1, 3>, std::ratio<1, 60>, std::ratio<1001, 30000>, std::ratio<1, 32768>,
               std::ratio<1, 1'000'000'007>, std::ratio<7, 1'000'000'000>, std::ratio<greatest>,
               std::ratio<1, greatest>, std::ratio<greatest, greatest - 1>, std::ratio<greatest - 1, greatest>>;
// Those for which whole programs are run.
using SomeRepresentations = std::tuple<long long, unsigned long long, double>;
using SomePeriods = std::tuple<std::pico, std::nano, std::ratio<1>, std::exa>;

template <class... Types, class F>
void for_types(std::tuple<Types...>*, F f) {
    (f(std::type_identity<Types>{}), ...);
}

// Calls f(count) for the extremes and some others.
template <class Rep, class F>
void for_extremes(F f) {
    using Limits = std::numeric_limits<Rep>;
    for (const Rep count : {Rep{0}, Rep{1}, Rep{2}, Rep{7}, Rep{100}, Limits::max(), Rep(Limits::max() / 2),
                            Limits::lowest(), Rep(Limits::lowest() / 2)})
        f(count);
    if constexpr (std::is_signed_v<Rep>) {
        for (const Rep count : {Rep{-1}, Rep{-2}, Rep{-100}}) f(count);
    }
    if constexpr (std::is_floating_point_v<Rep>) {
        for (const Rep count : {Rep(0.5), Rep(-0.5), Rep(1e30), Rep(-1e30), Limits::infinity(), -Limits::infinity(),
                                Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::min(), -Limits::min(),
                                Limits::denorm_min(), Rep(9223372036854775807.0), Rep(9223372036.854775807)})
            f(count);
    } else {
        for (const Rep count : {Rep(Limits::max() - 1), Rep(Limits::min() + 1)}) f(count);
        if constexpr (sizeof(Rep) == 8) {
            for (const Rep count : {Rep{9223372036}, Rep{9223372037}, Rep{9223372036854}, Rep{9223372036855},
                                    Rep{9223372036854775}, Rep{9223372036854776}, Rep{292}, Rep{293}})
                f(count);
        }
    }
}

template <class Rep, class Period>
long double exact_length(duration<Rep, Period> time) {
    const long double exact = static_cast<long double>(time.count()) * Period::num / Period::den * 1e9L;
    // Not an underflow to zero.
    return time.count() > 0 && exact == 0 ? std::numeric_limits<long double>::min() : exact;
}

// f(duration, its length in nanoseconds) for each extreme of each representation and period.
template <class SomeReps, class Some, class F>
void for_durations(F f) {
    for_types(static_cast<SomeReps*>(nullptr), [&](auto representation) {
        for_types(static_cast<Some*>(nullptr), [&](auto period) {
            using Rep = typename decltype(representation)::type;
            using Period = typename decltype(period)::type;
            for_extremes<Rep>([&](Rep count) {
                const duration<Rep, Period> time{count};
                f(time, exact_length(time));
            });
        });
    });
}

constexpr long double range = 9223372036854775808.0L; // nanoseconds
// A rounding error of the representation, or of a long double that has no more digits than double.
template <class Rep = double>
long double error_of(long double exact) {
    using Float = std::conditional_t<std::is_floating_point_v<Rep>, Rep, double>;
    return std::fabs(exact) *
           std::max<long double>(std::numeric_limits<Float>::epsilon(), std::numeric_limits<double>::epsilon());
}

/// A clock of the user that counts in `Duration`.
template <class Duration>
struct UsersClock {
    using duration = Duration;
    using rep = typename Duration::rep;
    using period = typename Duration::period;
    using time_point = std::chrono::time_point<UsersClock>;
    [[maybe_unused]] static constexpr bool is_steady = false;
    static inline Duration time{};
    static time_point now() { return time_point{time}; }
};

// The only ones that are certain: the rest depends on the rounding.
enum class Length { none, short_of_a_century, never, other };
Length length_of(long double exact) {
    if (!(exact > 0)) return Length::none;
    if (exact < range / 3) return Length::short_of_a_century;
    return exact > range * 1.001L ? Length::never : Length::other;
}

} // namespace

// The checks are functions and no templates, as they would take a compiler minutes.
namespace {

std::string text_of(std::intmax_t num, std::intmax_t den, long double count) {
    return std::to_string(count) + " times " + std::to_string(num) + "/" + std::to_string(den) + " s";
}

void check_duration(nanoseconds wait, long double exact) {
    const auto count = static_cast<long double>(wait.count());
    if (!(exact > 0)) { // NaN, too
        CHECK(wait == 0ns);
    } else if (exact >= range) {
        CHECK(wait == nanoseconds::max());
    } else {
        CHECK(count >= std::min(exact - error_of(exact), range - 1));
        CHECK(count <= std::ceil(exact + error_of(exact)));
        CHECK(count >= 1);
    }
}

struct Points {
    nanoseconds wait;
    long double when;
    long double now;
    long double error;
    bool later;      // when > now
    bool at_maximum; // of the clock
};

void check_points(const Points& points) {
    const long double exact = points.when - points.now;
    const auto count = static_cast<long double>(points.wait.count());
    if (!points.later) { // NaN, too
        CHECK(points.wait == 0ns);
    } else if (!std::isfinite(exact) || exact > range + points.error) {
        CHECK(points.wait == nanoseconds::max());
    } else if (points.wait == nanoseconds::max()) {
        CHECK((points.at_maximum || exact + points.error >= range));
    } else {
        CHECK(count >= exact - points.error - 1e-6L);
        CHECK(count <= exact + points.error + 2);
    }
}

} // namespace

TEST_CASE("any duration is waited for exactly, rounded up, and neither overflows nor becomes negative") {
    int durations = 0;
    for_durations<Representations, Periods>(
        [&]<class Rep, class Period>(duration<Rep, Period> length, long double exact) {
            INFO(text_of(Period::num, Period::den, static_cast<long double>(length.count())));
            check_duration(detail::wait_of(length), exact);
            ++durations;
        });
    CHECK(durations > 3000);
}

TEST_CASE("durations of whole nanoseconds are converted at compile time, and exactly up to the end of the range") {
    using namespace std::chrono;
    static_assert(detail::wait_of(9223372036854775807ns) == nanoseconds::max());
    static_assert(detail::wait_of(9223372036854775806ns) == nanoseconds::max() - 1ns);
    static_assert(detail::wait_of(9223372036s) == 9223372036s);
    static_assert(detail::wait_of(9223372037s) == nanoseconds::max());
    static_assert(detail::wait_of(duration<std::uint64_t, std::pico>{~std::uint64_t{0}}) == 18446744073709552ns);
    static_assert(detail::wait_of(duration<int, std::ratio<1, 3>>{1}) == 333333334ns);
    static_assert(detail::wait_of(duration<int, std::ratio<1, 3>>{3}) == 1s);
    static_assert(detail::wait_of(duration<double>{0.5}) == 500ms);
    static_assert(detail::wait_of(duration<double>{1.1}) == 1100ms);
    static_assert(detail::wait_of(duration<float>{0.25F}) == 250ms);
    static_assert(detail::wait_of(duration<double, std::pico>{3000}) == 3ns);
    static_assert(detail::wait_of(milliseconds::min()) == 0ns);
    SUCCEED();
}

TEST_CASE("any two time points of a clock are as far apart as they say") {
    for_durations<Representations, Periods>([]<class Rep, class Period>(duration<Rep, Period> when, long double exact) {
        for_extremes<Rep>([&](Rep count) {
            const duration<Rep, Period> now{count};
            const long double exact_now = exact_length(now);
            INFO(text_of(Period::num, Period::den, static_cast<long double>(when.count())));
            INFO(text_of(Period::num, Period::den, static_cast<long double>(count)));
            check_points({detail::wait_between(now, when), exact, exact_now,
                          error_of<Rep>(exact) + error_of<Rep>(exact_now), when > now, when == when.max()});
        });
    });
}

TEST_CASE("time points of different periods and representations are compared without an overflow") {
    using namespace std::chrono;
    const auto now = sys_days{year{2026} / 11 / 29} + 1ns;
    const auto wait = [&](auto when) { return detail::wait_between(now.time_since_epoch(), when.time_since_epoch()); };
    CHECK(wait(sys_days{year{2026} / 11 / 30}) == 24h - 1ns);
    CHECK(wait(sys_seconds{sys_days{year{2027} / 11 / 29}}) == 24h * 365 - 1ns);
    CHECK(wait(sys_days{year{9999} / 12 / 31}) == nanoseconds::max());
    CHECK(wait(sys_days{year{1601} / 1 / 1}) == 0ns);
    CHECK(wait(sys_seconds::max()) == nanoseconds::max());
    CHECK(wait(sys_seconds::min()) == 0ns);
    CHECK(wait(system_clock::time_point::max()) == nanoseconds::max());
    CHECK(wait(system_clock::time_point::min()) == 0ns);
    CHECK(wait(sys_time<duration<double>>{duration<double>{1e30}}) == nanoseconds::max());
    CHECK(wait(sys_time<duration<double>>{duration<double>{-1e30}}) == 0ns);
    CHECK(wait(sys_time<duration<double>>{duration<double>{std::numeric_limits<double>::quiet_NaN()}}) == 0ns);
    CHECK(wait(now + duration<long double>{0.5L}) <= 501ms);
}

TEST_CASE("an instant past the end of the clock is never, from any start") {
    for (const TimePoint start : {TimePoint::min() + 1ns, TimePoint{-1s}, TimePoint{}, TimePoint{1s},
                                  TimePoint::max() - 1s, TimePoint::max() - 1ns}) {
        CHECK(detail::later(start, nanoseconds::max()) == no_deadline);
        CHECK(detail::later(start, 1ns) == start + 1ns);
        CHECK((detail::time_left(start, start + 1ns) == 1ns || start + 1ns == no_deadline));
        CHECK(detail::later(TimePoint::max() - 1s, 2s) == no_deadline);
        CHECK(detail::time_left(start, start) == 0ns);
        CHECK(detail::time_left(start, at_once) == 0ns);
        CHECK(detail::time_left(start, TimePoint::min() + 1ns) == 0ns);
        CHECK(detail::time_left(start, no_deadline) == nanoseconds::max());
    }
    CHECK(detail::later(TimePoint::min() + 1ns, nanoseconds::max() - 1ns) == TimePoint{-1ns});
    CHECK(detail::time_left(TimePoint::min() + 1ns, TimePoint::max() - 1ns) == nanoseconds::max());
}

namespace {

/// Runs `wait`, which lasts as long as `exact` says, and checks that it does, and that the loop and its other tasks are
/// not disturbed.
void check_wait(const std::function<Task<>()>& wait, long double exact) {
    const auto century = 24h * 365 * 97;
    VirtualTimePort port;
    Loop loop{port};
    auto main = [&]() -> Task<> {
        const auto start = Clock::now();
        auto ended = start;
        auto waiter = [&]() -> Task<> {
            co_await wait();
            ended = Clock::now();
        };
        auto handle = create_task(waiter());
        for (int i = 0; i < 5; ++i) co_await yield();
        if (length_of(exact) == Length::none) CHECK(handle.done());
        co_await sleep_until(start + century); // an earlier end would show that the loop has gone wrong
        CHECK(Clock::now() == start + century);
        if (length_of(exact) == Length::short_of_a_century) {
            CHECK(handle.done());
            CHECK(static_cast<long double>((ended - start).count()) >= exact - error_of(exact));
            CHECK(static_cast<long double>((ended - start).count()) <= std::ceil(exact) + error_of(exact));
        }
        co_await sleep_until(start + 3 * century - 1h);
        if (length_of(exact) == Length::never) CHECK(!handle.done());
        handle.cancel();
        co_await handle.outcome();
    };
    loop.run(main());
}

} // namespace

TEST_CASE("sleep takes any duration") {
    for_durations<SomeRepresentations, SomePeriods>(
        [](auto length, long double exact) { check_wait([=]() -> Task<> { co_await sleep(length); }, exact); });
}

TEST_CASE("sleep_until takes any time point of any clock") {
    for_durations<SomeRepresentations, SomePeriods>([](auto when, long double exact) {
        using Clock = UsersClock<decltype(when)>;
        check_wait([=]() -> Task<> { co_await sleep_until(typename Clock::time_point{when}); },
                   when == when.max() && exact > 0 ? range * 2 : exact);
    });
}

TEST_CASE("a limit of wait_for takes any duration") {
    for_durations<SomeRepresentations, SomePeriods>([](auto length, long double exact) {
        Event never;
        check_wait([&]() -> Task<> { (void)co_await try_wait_for(never.wait(), length); }, exact);
        auto task = [&]() -> Task<> { co_await never.wait(); };
        check_wait([&]() -> Task<> { (void)co_await try_wait_for(task(), length); }, exact);
    });
}

TEST_CASE("a Delay takes any duration, when it is made and when it is triggered") {
    for_durations<SomeRepresentations, SomePeriods>([](auto length, long double exact) {
        Delay made{length};
        check_wait(
            [&]() -> Task<> {
                made.trigger();
                co_await made.wait();
            },
            exact);
        Delay triggered{1s};
        check_wait(
            [&]() -> Task<> {
                triggered.trigger(length);
                co_await triggered.wait();
            },
            exact);
    });
}

TEST_CASE("virtual time is advanced by any duration, and neither goes back nor reaches no_deadline") {
    for_durations<SomeRepresentations, SomePeriods>([](auto length, long double exact) {
        VirtualTimePort port;
        port.advance(1s);
        port.advance(length);
        CHECK(port.now() >= TimePoint{1s});
        CHECK(port.now() < no_deadline);
        if (length_of(exact) == Length::none) CHECK(port.now() == TimePoint{1s});
        if (length_of(exact) == Length::never) CHECK(port.now() == no_deadline - 1ns);
    });
}
