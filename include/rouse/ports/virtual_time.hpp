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
///
/// If no thread is to wake the loop, such a wait never ends: every task waits for something that no one will do.
/// debug/fail_when_stuck.hpp makes this an error that lists them.
class VirtualTimePort final : public Port {
public:
    VirtualTimePort() = default;
    ~VirtualTimePort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return now_; }

    unsigned wait_until(TimePoint deadline) noexcept override {
        unsigned wakes = wakes_.exchange(0, std::memory_order_acquire);
        if (wakes != 0 || deadline <= now_) return wakes;
        if (deadline != no_deadline) {
            now_ = deadline;
            return 0;
        }
        while (wakes == 0) {
#if ROUSE_HOSTED
            if (on_stuck_ != nullptr && awaited_threads_ == 0) {
                on_stuck_(stuck_argument_);
                return 0;
            }
#endif
            wakes = wakes_.exchange(0, std::memory_order_acquire);
        }
        return wakes;
    }

    void wake() noexcept override {
        unsigned before = wakes_.load(std::memory_order_relaxed);
        while (
            !wakes_.compare_exchange_weak(before, before + 1, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }

    /// Lets this much time pass; a negative time counts as zero. The clock stops just before `no_deadline`. On the
    /// loop's thread.
    template <class Rep, class Period>
    void advance(std::chrono::duration<Rep, Period> by) {
        const TimePoint then = detail::later(now_, detail::wait_of(by));
        now_ = then == no_deadline ? then - Clock::duration{1} : then;
    }

#if ROUSE_HOSTED
    /// Sets a function that the loop's thread calls where it would wait without a deadline, unless a wake has come or a
    /// task waits for a function of a Context or of unblock(). After it, the loop looks again. Null, the default: the
    /// port waits. Other threads than those are unknown here: use this only where none sets anything.
    void on_stuck(void (*call)(void*) noexcept, void* argument) noexcept {
        on_stuck_ = call;
        stuck_argument_ = argument;
    }

    void await_thread(int change) noexcept override { awaited_threads_ += change; }
#endif

private:
#if ROUSE_HOSTED
    void (*on_stuck_)(void*) noexcept = nullptr;
    void* stuck_argument_ = nullptr;
    int awaited_threads_ = 0;
#endif
    TimePoint now_{};
    detail::Atomic<unsigned> wakes_{0}; // incremented by wake() (release), taken by the loop (acquire)
};

} // namespace ROUSE_ABI
} // namespace rouse
