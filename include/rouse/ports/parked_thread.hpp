// ParkedThread: a thread that sleeps in an object until another context wakes it. For the blocking forms of the
// objects in threadsafe/; only where there are threads.
#pragma once

#include <rouse/core/config.hpp>

#if defined(__linux__) && ROUSE_HOSTED

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rouse/core/inbox.hpp>

namespace rouse::inline ROUSE_ABI::core {

/// On the stack of the thread that sleeps, for one sleep.
class ParkedThread final : public Sleeper {
public:
    using Time = std::chrono::steady_clock::time_point;
    static Time now() noexcept { return std::chrono::steady_clock::now(); }

    ParkedThread() = default;
    ~ParkedThread() = default;

    /// From any context. The thread may be gone after the store; the system call then wakes nobody, or somebody who has
    /// to expect it, for it does not read the word.
    void wake() noexcept override {
        const int saved = errno;
        woken_.store(1, std::memory_order_release);
        ::syscall(SYS_futex, &woken_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
        errno = saved;
    }

    /// Sleeps until wake(). Called by the thread itself.
    void wait() noexcept { wait_until(Time::max()); }

    /// Sleeps until wake() (true) or until the time is up (false).
    bool wait_until(Time deadline) noexcept {
        while (woken_.load(std::memory_order_acquire) == 0) {
            if (deadline == Time::max()) {
                futex_wait(nullptr);
                continue;
            }
            const auto since_boot = std::max(deadline.time_since_epoch(), Time::duration::zero());
            const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
            const auto nanoseconds = std::chrono::nanoseconds{since_boot - seconds};
            timespec time{};
            time.tv_sec = static_cast<decltype(time.tv_sec)>(seconds.count());
            time.tv_nsec = static_cast<decltype(time.tv_nsec)>(nanoseconds.count());
            if (futex_wait(&time) == ETIMEDOUT) return woken_.load(std::memory_order_acquire) != 0;
        }
        return true;
    }

private:
    // Returns at once if woken_ is not 0. The deadline is absolute, by CLOCK_MONOTONIC, which steady_clock is.
    int futex_wait(const timespec* deadline) noexcept {
        const long result =
            ::syscall(SYS_futex, &woken_, FUTEX_WAIT_BITSET_PRIVATE, 0, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
        return result == 0 ? 0 : errno; // EINTR and EAGAIN: look again
    }

    std::atomic<std::uint32_t> woken_{0}; // written by wake(), once
};

} // namespace rouse::inline ROUSE_ABI::core

#elif ROUSE_HOSTED
#error "rouse: there is no hosted port for this platform yet; define ROUSE_HOSTED as 0 and supply a Port"
#endif
