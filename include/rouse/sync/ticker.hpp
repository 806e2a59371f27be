// Ticker: ticks at a fixed period that do not drift.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/sleep.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// What a Ticker does with ticks that became due while its task did something else.
enum class Missed : unsigned char {
    skip,  ///< drops them; the next tick comes at the next multiple of the period
    burst, ///< makes up for them: each comes after a round of the ready queue, until the ticker has caught up
    delay, ///< drops them; the next tick comes one period after the late one, and the others at multiples from there
};

/// Ticks at a fixed period, for work that is done again and again:
///
///     Ticker ticker{10ms};
///     for (;;) {
///         const auto missed = co_await ticker.next();
///         sample();
///     }
///
/// Each tick is due a whole number of periods after the first next(), however long the work takes and however late the
/// loop wakes the task, so that nothing adds up: `sleep(10ms)` in its place would make each turn longer than 10 ms.
/// (Missed::delay counts anew from each tick that is late by a period or more.) A tick comes late if the loop is busy,
/// and never early.
///
/// For one task at a time, of the loop's thread. A tick is taken when next() returns. A next() that is cancelled, or
/// whose time limit passes, or that loses in select, takes none, and the following next() gets that tick.
///
/// Nothing is allocated: the timer is part of the frame. The ticker must outlive a wait in it.
class Ticker {
public:
    class Awaiter;

    /// A ticker that starts at its first next(). The period is rounded up to nanoseconds. UsageError if it is zero,
    /// negative or NaN.
    template <class Rep, class Period>
    explicit Ticker(std::chrono::duration<Rep, Period> period, Missed missed = Missed::skip)
        : period_{detail::wait_of(period)}, missed_{missed} {
        if (period_.count() == 0) [[unlikely]]
            detail::misuse("rouse: Ticker: the period must be positive; use yield() to let other tasks run");
    }
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

    /// `co_await next()` suspends the running task until the next tick is due; the first one is due one period after
    /// the first call. If it is due already, the task takes one round of the ready queue. Returns how many further
    /// ticks were due when it returned: 0 if the task keeps up. Missed::skip and Missed::delay drop those, and
    /// Missed::burst makes up for them. Throws CancelledError at once if the task is cancelled. UsageError if another
    /// task waits for the tick.
    [[nodiscard]] Awaiter next() noexcept;

    /// The period, in whole nanoseconds.
    [[nodiscard]] Clock::duration period() const noexcept { return period_; }

private:
    TimePoint begin_wait();
    std::uint64_t take_tick();

    TimePoint due_ = at_once; // when the next tick is due; at_once before the first next()
    Clock::duration period_;
    Missed missed_;
    bool waiting_ = false;
    [[no_unique_address]] detail::LoopOwner owner_;
};

class Ticker::Awaiter : detail::SleepUntilAwaiter {
public:
    explicit Awaiter(Ticker& ticker) noexcept : SleepUntilAwaiter{at_once}, ticker_{ticker} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.ticker_} {} // before it is awaited
    ~Awaiter() { end_wait(); }

    using SleepUntilAwaiter::await_ready;
    void await_suspend(std::coroutine_handle<> frame) {
        deadline = ticker_.begin_wait();
        suspend(frame);
        waits_ = true;
        ticker_.waiting_ = true;
    }
    std::uint64_t await_resume() {
        end_wait();
        SleepUntilAwaiter::await_resume();
        return ticker_.take_tick();
    }

private:
    void end_wait() noexcept {
        if (waits_) ticker_.waiting_ = false;
        waits_ = false;
    }

    Ticker& ticker_;
    bool waits_ = false; // else the ticker may be gone
};

inline Ticker::Awaiter Ticker::next() noexcept { return Awaiter{*this}; }

ROUSE_NOINLINE_ON_FIRMWARE inline TimePoint Ticker::begin_wait() {
    owner_.check_thread(
        "rouse: Ticker::next: called on another thread than that of the loop whose tasks use it; give each loop a "
        "Ticker of its own");
    if (waiting_) [[unlikely]]
        detail::misuse("rouse: Ticker::next: another task waits for the tick; give each task a Ticker of its own");
    const TimePoint now = Clock::now();
    if (due_ == at_once) due_ = detail::later(now, period_);
    return due_ <= now ? at_once : due_;
}

ROUSE_NOINLINE_ON_FIRMWARE inline std::uint64_t Ticker::take_tick() {
    const TimePoint now = Clock::now();
    const std::chrono::nanoseconds late = detail::time_left(due_, now);
    if (late < period_) [[likely]] {
        due_ = detail::later(due_, period_);
        return 0;
    }
    const std::int64_t missed = late / period_;
    switch (missed_) {
    case Missed::skip: due_ = detail::later(due_ + missed * period_, period_); break;
    case Missed::burst: due_ += period_; break;
    case Missed::delay: due_ = detail::later(now, period_); break;
    }
    return static_cast<std::uint64_t>(missed);
}

} // namespace ROUSE_ABI
} // namespace rouse
