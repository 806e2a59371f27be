// VirtualTimePort: a port whose clock jumps to the next deadline as soon as nothing is ready. A program that sleeps for
// hours is tested in milliseconds, and the same way every time.
#pragma once

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Time starts at zero and stands still while tasks run. Without a deadline the port waits for a foreign context, by
/// spinning: there is no operating system below it.
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

    /// Lets time pass by hand.
    void advance(Clock::duration by) noexcept { now_ += by; }

private:
    TimePoint now_{};
    detail::Atomic<unsigned> wakes_{0}; // written by wake(), emptied by the loop
};

} // namespace ROUSE_ABI
} // namespace rouse
