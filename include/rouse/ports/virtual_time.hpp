// VirtualTimePort: a port whose clock jumps to the next deadline as soon as no task is ready. A program that sleeps for
// hours can be tested in milliseconds, with the same result every time.
#pragma once

#include <chrono>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Runs a loop in virtual time, for tests. Works without an operating system.
///
/// For the loop on one thread; wake() may be called from any context.
///
/// Time starts at zero, does not pass while tasks run, and jumps to the next deadline when none is ready. Without a
/// deadline the port waits for a wake() by spinning. No wake is lost, and each is counted once.
class VirtualTimePort final : public Port {
public:
    VirtualTimePort() = default;
    ~VirtualTimePort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return now_; }

    unsigned wait_until(TimePoint deadline) noexcept override {
        unsigned wakes = wakes_.exchange(0, std::memory_order_acquire);
        if (wakes != 0 || deadline <= now_) return wakes;
        if (deadline != forever) {
            now_ = deadline;
            return 0;
        }
        while (wakes == 0) wakes = wakes_.exchange(0, std::memory_order_acquire);
        return wakes;
    }

    void wake() noexcept override {
        unsigned before = wakes_.load(std::memory_order_relaxed);
        while (
            !wakes_.compare_exchange_weak(before, before + 1, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }

    /// Lets this much time pass; a negative time counts as zero. The clock stops just before `forever`. On the loop's
    /// thread.
    template <class Rep, class Period>
    void advance(std::chrono::duration<Rep, Period> by) {
        const TimePoint then = detail::later(now_, detail::wait_of(by));
        now_ = then == forever ? then - Clock::duration{1} : then;
    }

private:
    TimePoint now_{};
    detail::Atomic<unsigned> wakes_{0}; // incremented by wake() (release), taken by the loop (acquire)
};

} // namespace ROUSE_ABI
} // namespace rouse
