// sleep, sleep_until, yield: suspend the running task for some time, or for one round of the ready queue.
#pragma once

#include <chrono>
#include <coroutine>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/misuse.hpp>
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

// co_await of it suspends the task until `deadline`.
class SleepUntilAwaiter : protected Timer {
public:
    explicit SleepUntilAwaiter(TimePoint until) noexcept { deadline = until; }
    SleepUntilAwaiter(SleepUntilAwaiter&& other) noexcept : SleepUntilAwaiter{other.deadline} {} // before it is awaited
    SleepUntilAwaiter(const SleepUntilAwaiter&) = delete;
    SleepUntilAwaiter& operator=(const SleepUntilAwaiter&) = delete;
    ROUSE_NOINLINE_ON_FIRMWARE ~SleepUntilAwaiter() {
        if (before != nullptr) Scheduler::current().remove_timer(*this);
    }

    bool await_ready() const noexcept { return false; }
    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) { suspend(frame); }
    void await_resume() const { Scheduler::check_cancelled(); }

protected:
    void suspend(std::coroutine_handle<> frame) {
        Scheduler& scheduler = Scheduler::current();
        if (deadline == at_once) {
            scheduler.park_ready(frame);
        } else {
            Scheduler::park(*this, TaskState::waiting_for_time, frame);
            scheduler.add_timer(*this);
        }
    }
};

// The time counts from the co_await. Until then `deadline` holds how long to sleep, so that a frame has no room for
// both; `late`, which this kind of timer does not need otherwise, tells whether it has been awaited.
class SleepAwaiter : public SleepUntilAwaiter {
public:
    explicit SleepAwaiter(Clock::duration time) noexcept : SleepUntilAwaiter{TimePoint{time}} {}

    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) {
        if (late) misuse("rouse: sleep: it has been awaited before; call sleep() anew for each co_await");
        late = 1;
        deadline = from_now(deadline.time_since_epoch());
        suspend(frame);
    }
};

// By another clock, which is read at the co_await.
template <class C, class Duration>
class SleepByClockAwaiter : public SleepUntilAwaiter {
public:
    explicit SleepByClockAwaiter(Duration when) : SleepUntilAwaiter{at_once}, when_{when} {}

    void await_suspend(std::coroutine_handle<> frame) {
        deadline = from_now(wait_between(C::now().time_since_epoch(), when_));
        suspend(frame);
    }

private:
    Duration when_; // since the epoch of C
};

} // namespace detail

/// `co_await yield()` puts the running task at the end of the ready queue: the tasks that are ready now run first.
/// Throws CancelledError if the task is cancelled.
[[nodiscard]] inline detail::YieldAwaiter yield() noexcept { return {}; }

/// `co_await sleep_until(when)` suspends the running task until Clock::now() is `when` or later. If it is already, the
/// task takes one round of the ready queue. Throws CancelledError at once if the task is cancelled. The timer is part
/// of the frame; nothing is allocated.
[[nodiscard]] inline detail::SleepUntilAwaiter sleep_until(TimePoint when) noexcept {
    return detail::SleepUntilAwaiter{when};
}

/// As above, by any other clock. The remaining time is computed once, at the co_await: setting that clock later has no
/// effect. A time beyond the range of Clock, such as the clock's time_point::max(), is never; NaN is now.
template <class C, class Duration>
[[nodiscard]] detail::SleepByClockAwaiter<C, Duration> sleep_until(std::chrono::time_point<C, Duration> when) {
    return detail::SleepByClockAwaiter<C, Duration>{when.time_since_epoch()};
}

/// `co_await sleep(duration)` suspends the running task for `duration` or longer, never shorter. The time counts from
/// the co_await, and the result can be awaited once. A zero or negative duration, or NaN, takes one round of the ready
/// queue; a duration that is beyond the range of Clock never ends.
template <class Rep, class Period>
[[nodiscard]] detail::SleepAwaiter sleep(std::chrono::duration<Rep, Period> duration) {
    return detail::SleepAwaiter{detail::wait_of(duration)};
}

} // namespace ROUSE_ABI
} // namespace rouse
