// ParkedThread: a thread that sleeps in an object until another context wakes it. For the blocking forms of the
// objects in threadsafe/; only where there are threads.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_HOSTED

#include <chrono>
#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/ports/detail/futex.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// On the stack of the thread that sleeps, for one sleep.
class ParkedThread {
public:
    using Time = std::chrono::steady_clock::time_point;
    static Time now() noexcept { return std::chrono::steady_clock::now(); }

    ParkedThread() = default;
    ParkedThread(const ParkedThread&) = delete;
    ParkedThread& operator=(const ParkedThread&) = delete;

    /// From any context. The thread may be gone after the store; the system call then wakes nobody, or somebody who has
    /// to expect it, for it does not read the word.
    void wake() noexcept {
        Atomic<std::uint32_t>* const word = &woken_;
        word->store(1, std::memory_order_release); // pairs with the acquire in wait_until()
        futex_wake(word);
    }

    /// Sleeps until wake(). Called by the thread itself.
    void wait() noexcept { wait_until(Time::max()); }

    /// Sleeps until wake() (true) or until the time is up (false).
    bool wait_until(Time deadline) noexcept {
        while (woken_.load(std::memory_order_acquire) == 0) {
            if (!futex_wait(woken_, 0, deadline)) return woken_.load(std::memory_order_acquire) != 0;
        }
        return true;
    }

private:
    Atomic<std::uint32_t> woken_{0}; // written by wake(), once
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif
