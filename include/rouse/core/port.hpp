// Port: the whole of what a platform supplies. Clock: the time that the ports keep.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The monotonic clock of the port of the current loop: nanoseconds in 64 bits, from an instant that the
/// port chooses. `Clock::now()` is defined in core/loop.hpp and needs a loop on this thread.
struct Clock {
    /// Nanoseconds; as signed 64 bits they reach 292 years.
    using duration = std::chrono::nanoseconds;
    /// The number in a duration.
    using rep = duration::rep;
    /// What a duration counts.
    using period = duration::period;
    /// An instant of this clock. Not to be compared with those of another clock, nor of another port.
    using time_point = std::chrono::time_point<Clock>;
    /// It is never set back.
    static constexpr bool is_steady = true;

    /// The time by the port of the current loop. On a loop's thread; UsageError if there is none.
    static time_point now();
};

/// An instant of Clock.
using TimePoint = Clock::time_point;

/// Waiting until `forever` is waiting without a deadline.
inline constexpr TimePoint forever = TimePoint::max();

/// Waiting until `at_once` is only a look.
inline constexpr TimePoint at_once = TimePoint::min();

/// The platform beneath a loop. A port must outlive its loop, and serves one loop at a time. Only wake() may
/// be called by anyone but the loop.
class Port {
public:
    /// The time. Monotonic; called by the loop only.
    [[nodiscard]] virtual TimePoint now() const noexcept = 0;

    /// Sleeps until `deadline`, a wake(), or anything else that the port serves (input and output), whichever
    /// is first; it may also return early for no reason. Returns the number of wake() calls that it has taken
    /// in, each of which is counted exactly once: the loop does not end before every wake() it is owed has
    /// come in, and this count is how it knows. With `at_once` it need not take in any.
    virtual unsigned wait_until(TimePoint deadline) noexcept = 0;

    /// Makes the present or the next wait_until return at once. From any context: another thread, a signal
    /// handler, an interrupt. Must not lock, allocate or throw, and keeps errno.
    virtual void wake() noexcept = 0;

    /// A descriptor that becomes readable when the loop has something to do, for a host's own loop to watch;
    /// -1 where the platform has none.
    [[nodiscard]] virtual int native_handle() const noexcept { return -1; }

protected:
    constexpr Port() = default;
    // Not virtual: nobody destroys a port through this class, and a virtual one costs a heap on firmware.
    ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
};

} // namespace ROUSE_ABI
} // namespace rouse
