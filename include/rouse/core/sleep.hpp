// sleep, sleep_until, yield: suspend the running task for some time, or for one round of the ready queue.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <ratio>

#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

class YieldAwaiter {
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) const { Scheduler::current().park_ready(frame); }
    void await_resume() const { Scheduler::check_cancelled(); }
};

class SleepAwaiter : Timer {
public:
    explicit SleepAwaiter(TimePoint until) noexcept { deadline = until; }
    SleepAwaiter(SleepAwaiter&& other) noexcept : SleepAwaiter{other.deadline} {} // before it is awaited
    SleepAwaiter(const SleepAwaiter&) = delete;
    SleepAwaiter& operator=(const SleepAwaiter&) = delete;
    ROUSE_NOINLINE_ON_FIRMWARE ~SleepAwaiter() {
        if (before != nullptr) Scheduler::current().remove_timer(*this);
    }

    bool await_ready() const noexcept { return false; }
    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) {
        Scheduler& scheduler = Scheduler::current();
        if (deadline == at_once) {
            scheduler.park_ready(frame);
        } else {
            Scheduler::park(*this, TaskState::waiting_for_time, frame);
            scheduler.add_timer(*this);
        }
    }
    void await_resume() const { Scheduler::check_cancelled(); }
};

/// `duration` in units of D, rounded up; D::max() if it is longer than a century.
template <class D, class Rep, class Period>
constexpr D saturated(std::chrono::duration<Rep, Period> duration) {
    // The limit is a constant in the caller's unit, so there is no 64-bit division at run time and no overflow.
    if constexpr (std::ratio_greater_equal_v<Period, typename D::period>) {
        using Wide = std::chrono::duration<std::int64_t, Period>;
        constexpr auto half_the_range = std::chrono::duration_cast<Wide>((D::max)() / 2);
        if (duration >= half_the_range) return (D::max)();
    }
    return std::chrono::ceil<D>(duration);
}

ROUSE_NOINLINE_ON_FIRMWARE inline TimePoint from_now(Clock::duration left) {
    if (left.count() <= 0) return at_once;
    return left.count() == (Clock::duration::max)().count() ? no_deadline : Clock::now() + left;
}

/// The instant `duration` from now; at_once if it is not positive.
template <class Rep, class Period>
[[gnu::always_inline]] inline TimePoint from_now(std::chrono::duration<Rep, Period> duration) {
    return from_now(saturated<Clock::duration>(duration));
}

} // namespace detail

/// `co_await yield()` puts the running task at the end of the ready queue: the tasks that are ready now run first.
/// Throws CancelledError if the task is cancelled.
[[nodiscard]] inline detail::YieldAwaiter yield() noexcept { return {}; }

/// `co_await sleep_until(when)` suspends the running task until Clock::now() is `when` or later. If it is already, the
/// task takes one round of the ready queue. Throws CancelledError at once if the task is cancelled. The timer is part
/// of the frame; nothing is allocated.
[[nodiscard]] inline detail::SleepAwaiter sleep_until(TimePoint when) noexcept { return detail::SleepAwaiter{when}; }

/// As above, by any other clock. The time that is left is computed here, once: setting that clock later has no effect.
template <class C, class Duration>
[[nodiscard]] detail::SleepAwaiter sleep_until(std::chrono::time_point<C, Duration> when) {
    const auto now = C::now();
    return detail::SleepAwaiter{when <= now ? at_once : detail::from_now(when - now)};
}

/// `co_await sleep(duration)` suspends the running task for `duration` or longer, never shorter. A zero or negative
/// duration takes one round of the ready queue. The time counts from the call of sleep().
template <class Rep, class Period>
[[nodiscard]] detail::SleepAwaiter sleep(std::chrono::duration<Rep, Period> duration) {
    return detail::SleepAwaiter{detail::from_now(duration)};
}

} // namespace ROUSE_ABI
} // namespace rouse
