// Durations and time points of any clock, period and representation, as times that the library can wait for. Everything
// that takes one converts it here: too far away is never, long ago is now, NaN is now, nothing overflows, and no wait
// becomes shorter.
//
// Integers whose period is a whole number of nanoseconds are compared with a constant and multiplied by one. So in the
// usual case there is no division and no floating point, which are expensive on small processors.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

inline constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;

// Integers are converted exactly. All other representations are converted to a floating-point type first.
template <class Rep>
concept IntegerRep = std::integral<Rep> && sizeof(Rep) <= sizeof(std::int64_t);
template <class Rep>
using FloatingRep = std::conditional_t<std::is_floating_point_v<Rep>, std::common_type_t<Rep, double>, long double>;

struct Quotient {
    std::uint64_t whole; // the greatest value of its type if the quotient does not fit
    std::uint64_t rest;
};

/// value * factor / divisor by long multiplication, since the product may need 128 bits. `factor` and `divisor` must be
/// less than 2^63.
constexpr Quotient multiply_and_divide(std::uint64_t value, std::uint64_t factor, std::uint64_t divisor) noexcept {
    constexpr std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)();
    const std::uint64_t whole = value / divisor;
    const std::uint64_t rest = value % divisor;
    Quotient sum{0, 0};
    const auto add = [&](std::uint64_t more_whole, std::uint64_t more_rest) {
        sum.rest += more_rest; // both are less than the divisor
        if (sum.rest >= divisor) {
            sum.rest -= divisor;
            sum.whole += sum.whole == most ? 0 : 1;
        }
        sum.whole = sum.whole > most - more_whole ? most : sum.whole + more_whole;
    };
    for (int bit = 62; bit >= 0; --bit) {
        add(sum.whole, sum.rest);
        if ((factor >> bit & 1) != 0) add(whole, rest);
    }
    return sum;
}

/// A length of time as a sum, for what 64 bits of nanoseconds cannot express. Negative lengths have negative seconds.
struct SplitTime {
    std::int64_t seconds; // saturated
    std::uint32_t nanoseconds;
};

/// Rounds to a nanosecond: up, or down. NaN is long ago.
template <class Rep, class Period>
constexpr SplitTime split(std::chrono::duration<Rep, Period> duration, bool up) {
    using Limits = std::numeric_limits<std::int64_t>;
    SplitTime result{};
    bool rest = false;
    if constexpr (IntegerRep<Rep>) {
        const auto count = duration.count();
        const bool negative = std::is_signed_v<Rep> && count < Rep{};
        const auto bits = static_cast<std::uint64_t>(count);
        const Quotient seconds = multiply_and_divide(negative ? 0 - bits : bits, Period::num, Period::den);
        if (seconds.whole >= std::uint64_t{(Limits::max)()}) return {negative ? (Limits::min)() : (Limits::max)(), 0};
        const Quotient part = multiply_and_divide(seconds.rest, nanoseconds_per_second, Period::den);
        result = {static_cast<std::int64_t>(seconds.whole), static_cast<std::uint32_t>(part.whole)};
        rest = part.rest != 0;
        if (negative) { // the floor of a negative length
            result.nanoseconds += rest ? 1 : 0;
            result.seconds = -result.seconds - (result.nanoseconds != 0 ? 1 : 0);
            result.nanoseconds = result.nanoseconds != 0 ? nanoseconds_per_second - result.nanoseconds : 0;
        }
    } else {
        using Float = FloatingRep<Rep>;
        constexpr auto limit = static_cast<Float>(std::int64_t{1} << 62);
        const Float seconds =
            static_cast<Float>(duration.count()) * static_cast<Float>(Period::num) / static_cast<Float>(Period::den);
        if (seconds >= limit) return {(Limits::max)(), 0};
        if (!(seconds > -limit)) return {(Limits::min)(), 0}; // a NaN too
        result.seconds = static_cast<std::int64_t>(seconds);
        if (static_cast<Float>(result.seconds) > seconds) --result.seconds;
        const Float part = (seconds - static_cast<Float>(result.seconds)) * nanoseconds_per_second;
        result.nanoseconds = static_cast<std::uint32_t>(part);
        rest = static_cast<Float>(result.nanoseconds) < part;
    }
    if (rest && up) ++result.nanoseconds;
    if (result.nanoseconds >= nanoseconds_per_second) result = {result.seconds + 1, 0};
    return result;
}

/// The sum of both; the maximum if it does not fit.
constexpr std::chrono::nanoseconds in_nanoseconds(std::uint64_t seconds, std::uint32_t nanoseconds) noexcept {
    constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    if (seconds > most / nanoseconds_per_second) return (std::chrono::nanoseconds::max)();
    const std::uint64_t sum = seconds * nanoseconds_per_second + nanoseconds;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(sum < most ? sum : most)};
}

/// How long to wait for `duration`: zero if it is not positive, and for NaN; the maximum, which means for ever, if it
/// is longer than 292 years.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds wait_of(std::chrono::duration<Rep, Period> duration) {
    using std::chrono::nanoseconds;
    if (!(duration > duration.zero())) return nanoseconds::zero(); // not `<=`: false for NaN
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)();
    constexpr Quotient tick = multiply_and_divide(Period::num, nanoseconds_per_second, Period::den); // in nanoseconds
    if constexpr (!IntegerRep<Rep>) {
        using Float = FloatingRep<Rep>;
        constexpr auto per_tick = static_cast<Float>(Period::num) * nanoseconds_per_second;
        const Float exact = static_cast<Float>(duration.count()) * per_tick / static_cast<Float>(Period::den);
        if (exact >= static_cast<Float>(most)) return (nanoseconds::max)();
        const auto whole = static_cast<std::int64_t>(exact);
        return nanoseconds{static_cast<Float>(whole) < exact || whole == 0 ? whole + 1 : whole};
    } else if constexpr (tick.rest == 0 && tick.whole != 0) {
        constexpr std::uint64_t limit = std::uint64_t{most} / tick.whole;
        const auto count = static_cast<std::uint64_t>(duration.count());
        if constexpr (std::uint64_t{(std::numeric_limits<Rep>::max)()} > limit) {
            if (count > limit) return (nanoseconds::max)();
        }
        return nanoseconds{static_cast<std::int64_t>(count * tick.whole)};
    } else if constexpr (Period::num == 1 && Period::den % nanoseconds_per_second == 0) {
        // In 32 bits where they do, which small processors divide with less code.
        using Count = std::conditional_t<sizeof(Rep) <= 4, std::uint32_t, std::uint64_t>;
        constexpr std::uint64_t per_nanosecond = std::uint64_t{Period::den} / nanoseconds_per_second;
        if constexpr (per_nanosecond > (std::numeric_limits<Count>::max)()) {
            return nanoseconds{1};
        } else {
            constexpr auto divisor = static_cast<Count>(per_nanosecond);
            const auto count = static_cast<Count>(duration.count());
            return nanoseconds{static_cast<std::int64_t>(count / divisor + (count % divisor != 0 ? 1 : 0))};
        }
    } else {
        const SplitTime time = split(duration, true);
        return in_nanoseconds(static_cast<std::uint64_t>(time.seconds), time.nanoseconds);
    }
}

/// How long to wait for `when` if it is `now` by the same clock; as wait_of(). The maximum of a clock is never.
template <class When, class Now>
constexpr std::chrono::nanoseconds wait_between(Now now, When when) {
    using std::chrono::nanoseconds;
    if constexpr (std::is_same_v<When, Now>) {
        if (!(when > now)) return nanoseconds::zero(); // not `<=`: false for NaN
        if constexpr (IntegerRep<typename When::rep>) {
            if (when == (When::max)()) return (nanoseconds::max)();
            // As `when` is the greater, the difference fits into 64 bits without sign.
            const auto left = static_cast<std::uint64_t>(when.count()) - static_cast<std::uint64_t>(now.count());
            return wait_of(std::chrono::duration<std::uint64_t, typename When::period>{left});
        } else {
            return wait_of(when - now);
        }
    } else {
        const SplitTime end = split(when, true);
        const SplitTime start = split(now, false);
        if (end.seconds < start.seconds) return nanoseconds::zero();
        if (end.seconds == (std::numeric_limits<std::int64_t>::max)()) return (nanoseconds::max)();
        const bool borrow = end.nanoseconds < start.nanoseconds;
        if (end.seconds == start.seconds && borrow) return nanoseconds::zero();
        return in_nanoseconds(
            static_cast<std::uint64_t>(end.seconds) - static_cast<std::uint64_t>(start.seconds) - (borrow ? 1 : 0),
            end.nanoseconds - start.nanoseconds + (borrow ? nanoseconds_per_second : 0));
    }
}

/// The instant `left` after `now`; TimePoint::max() if the clock does not reach it. `left` must be positive.
template <class Time>
constexpr Time later(Time now, std::chrono::nanoseconds left) noexcept {
    if (left.count() == (std::chrono::nanoseconds::max)().count()) return (Time::max)();
    const std::int64_t before = now.time_since_epoch().count();
    const auto sum =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(left.count()));
    return sum < before ? (Time::max)() : Time{std::chrono::nanoseconds{sum}};
}

/// The time from `now` to `deadline`: zero if it has passed. For ports, as a subtraction may overflow.
template <class Time>
constexpr std::chrono::nanoseconds time_left(Time now, Time deadline) noexcept {
    return wait_between(now.time_since_epoch(), deadline.time_since_epoch());
}

/// The instant that is `wait` from now; at_once if that is zero, and `no_deadline` if the clock does not reach it.
ROUSE_NOINLINE_ON_FIRMWARE inline TimePoint from_now(std::chrono::nanoseconds wait) {
    return wait.count() <= 0 ? at_once : later(Clock::now(), wait);
}

/// The same for any duration.
template <class Rep, class Period>
[[gnu::always_inline]] inline TimePoint from_now(std::chrono::duration<Rep, Period> duration) {
    return from_now(wait_of(duration));
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
