// futex_wait and futex_wake: a thread sleeps on a word of memory until another context wakes it. Linux so far.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/detail/atomic.hpp>

#if defined(ROUSE_ATOMIC_HEADER) // that header defines the futex
#elif defined(__linux__) && ROUSE_HOSTED

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// If `word` equals `expected`, sleeps until futex_wake(); it may also return for no reason, so the caller has to check
/// the word again. Returns false if the deadline has passed. The kernel compares the word and suspends the thread in
/// one atomic step with respect to futex_wake(). `deadline` is by steady_clock, which is CLOCK_MONOTONIC.
inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected,
                       std::chrono::steady_clock::time_point deadline) noexcept {
    using std::chrono::steady_clock;
    const auto since_boot = (std::max)(deadline.time_since_epoch(), steady_clock::duration::zero());
    timespec time{};
    using Seconds = std::chrono::duration<decltype(time.tv_sec)>;
    using Nanoseconds = std::chrono::duration<decltype(time.tv_nsec), std::nano>;
    const auto seconds = std::chrono::floor<Seconds>(since_boot);
    time.tv_sec = seconds.count();
    time.tv_nsec = std::chrono::duration_cast<Nanoseconds>(since_boot - seconds).count();
    const long result =
        ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                  deadline == (steady_clock::time_point::max)() ? nullptr : &time, nullptr, FUTEX_BITSET_MATCH_ANY);
    return result == 0 || errno != ETIMEDOUT; // EINTR and EAGAIN: check again
}

/// Wakes one thread that sleeps on the word. From any context; keeps errno. It does not access the word, which need not
/// exist any more.
inline void futex_wake(Atomic<std::uint32_t>* word) noexcept {
    const int saved = errno;
    ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    errno = saved;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#elif ROUSE_HOSTED
#error "rouse: no hosted port for this system yet: supply a Port; define ROUSE_HOSTED as 0, and ROUSE_CORES as 2"
#endif
