// Port: everything that a platform supplies. Clock: the time that a port keeps.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/port_user.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The monotonic clock of the current loop: the time of its port, in nanoseconds from an instant that the port chooses.
///
/// now() needs a loop on the calling thread. The library itself asks for the time only when a timer is set or due, and
/// while it sleeps.
struct Clock {
    /// Nanoseconds in a signed 64-bit number, which lasts for 292 years.
    using duration = std::chrono::nanoseconds;
    /// The arithmetic type of a duration.
    using rep = duration::rep;
    /// The unit of a duration.
    using period = duration::period;
    /// An instant of this clock. Instants of different ports must not be compared.
    using time_point = std::chrono::time_point<Clock>;
    /// The clock is never set back.
    static constexpr bool is_steady = true;

    /// The time of the port of the current loop. For the thread of a loop; UsageError if there is none.
    static time_point now();
};

/// An instant of Clock.
using TimePoint = Clock::time_point;

/// A wait until `no_deadline` ends only when it is woken.
inline constexpr TimePoint no_deadline = (TimePoint::max)();

/// A wait until `at_once` only looks, and returns.
inline constexpr TimePoint at_once = (TimePoint::min)();

/// The platform of a loop: what tells the time, sleeps, and is woken. Derive from it to run rouse on a platform that
/// ports/ does not have.
///
/// A port must outlive its loop and serves one loop at a time. wake() may be called from any context; all other
/// functions are called by the loop, on its thread.
class Port {
public:
    /// The time, which never decreases.
    [[nodiscard]] virtual TimePoint now() const noexcept = 0;

    /// Sleeps until `deadline`, a wake(), or an event that the port itself watches (input and output), whichever is
    /// first. It may also return early for no reason.
    ///
    /// Returns the number of wake() calls that it has taken in. Each call must be counted exactly once: the loop does
    /// not end before it has been told of every wake() that it is owed. With `at_once` it need not take in any.
    virtual unsigned wait_until(TimePoint deadline) noexcept = 0;

    /// Makes the present wait_until() return at once, or else the next one. May be called from any context: another
    /// thread, a signal handler, an interrupt. Must not lock, allocate or throw, and must preserve errno.
    virtual void wake() noexcept = 0;

    /// A descriptor that is readable while wait_until() would find a wake or an event that the port watches; -1 on
    /// platforms that have none. A host asks Loop::native_handle(), which returns the same descriptor and from then on
    /// makes it readable for everything else that the loop has to do.
    [[nodiscard]] virtual int native_handle() const noexcept { return -1; }

#if ROUSE_HOSTED
    /// Called by Loop::native_handle(): from now on a host may sleep until native_handle(), which this returns, is
    /// readable. A port that has such a descriptor overrides this function and host_sleeps(), whose defaults do nothing
    /// more. Throws if something that this needs cannot be made.
    virtual int begin_hosting() { return native_handle(); }

    /// Called by Loop::poll() before the host sleeps: makes native_handle() readable at `deadline` or earlier, if
    /// begin_hosting() was called. A spurious readiness costs the host one call of poll(), so the port need not take
    /// back an earlier deadline. Returns false if the last wait_until() may have left events that it has not reported.
    virtual bool host_sleeps([[maybe_unused]] TimePoint deadline) noexcept { return true; }

    /// Called when a task begins (1) or ceases (-1) to wait for a function that runs on a thread of threads/: for a
    /// port that has to know whether a wake may still come.
    virtual void await_thread([[maybe_unused]] int change) noexcept {}
#endif

protected:
    constexpr Port() = default;
    // Not virtual: no port is destroyed through this class, and a virtual destructor would need a heap on firmware.
    ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
};

inline TimePoint Clock::now() { return detail::PortUser::current().port().now(); }

} // namespace ROUSE_ABI
} // namespace rouse
