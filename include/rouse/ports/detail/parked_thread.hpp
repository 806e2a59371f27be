// ParkedThread: a thread that sleeps until another context wakes it. For the blocking forms of the objects in
// threadsafe/; only on hosted platforms.
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

/// Represents a sleeping thread for one sleep, on its stack. The thread calls wait() or wait_until(); any context may
/// call wake(), once. A wake() before the wait makes it return at once. Each costs at most one system call, apart from
/// spurious returns.
class ParkedThread {
public:
    using Time = std::chrono::steady_clock::time_point;
    static Time now() noexcept { return std::chrono::steady_clock::now(); }

    ParkedThread() = default;
    ParkedThread(const ParkedThread&) = delete;
    ParkedThread& operator=(const ParkedThread&) = delete;

    /// Ends the sleep. From any context. After the store the thread may return and this object may be gone; the system
    /// call does not access the word, and then wakes no thread, or one that has to expect spurious returns.
    void wake() noexcept {
        Atomic<std::uint32_t>* const word = &woken_;
        word->store(1, std::memory_order_release); // pairs with the acquire in wait_until()
        futex_wake(word);
    }

    /// Sleeps until wake().
    void wait() noexcept { wait_until((Time::max)()); }

    /// Sleeps until wake() (returns true) or until the deadline (returns false).
    bool wait_until(Time deadline) noexcept {
        while (woken_.load(std::memory_order_acquire) == 0) {
            if (!futex_wait(woken_, 0, deadline)) return woken_.load(std::memory_order_acquire) != 0;
        }
        return true;
    }

private:
    Atomic<std::uint32_t> woken_{0}; // set by wake() (release), read by the thread (acquire)
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif
