// futex_wait and futex_wake: a thread sleeps on a word of memory until another context wakes it. Linux so far.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>

#if defined(ROUSE_ATOMIC_HEADER) // that header defines the futex
#elif defined(__linux__) && ROUSE_HOSTED

#include <cerrno>
#include <limits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/ports/detail/wake_failed.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// How this platform calls futex(2). There are two calls, which differ in the width of the times in their timeout: one
/// takes a `long`, whatever time_t is, the other 64 bits. Where `long` has 64 bits there is only the first; the newest
/// platforms with 32 bits have only the second.
struct FutexCalls {
    static constexpr long none = -1;
    using Long = __kernel_long_t;
#if defined(SYS_futex)
    static constexpr long with_long = SYS_futex;
#else
    static constexpr long with_long = none;
#endif
#if defined(SYS_futex_time64)
    static constexpr long with_64_bits = SYS_futex_time64;
#else
    static constexpr long with_64_bits = none;
#endif

    // Calls by syscall(), as the C library has no function for it.
    long operator()(long system_call, void* word, int operation, std::uint32_t value,
                    const void* timeout) const noexcept {
        return ::syscall(system_call, word, operation, value, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
    }
};

/// futex_wait() by `calls`, which a test can replace.
template <class Calls>
bool futex_wait_by(Calls calls, void* word, std::uint32_t expected, std::chrono::steady_clock::time_point deadline) {
    constexpr std::int64_t ns_per_second = 1'000'000'000;
    const bool bounded = deadline != (std::chrono::steady_clock::time_point::max)();
    const std::int64_t since_boot = time_left({}, deadline).count();
    const auto call = [&]<class Number>(long system_call, Number most_seconds) {
        struct {
            Number seconds;
            Number nanoseconds;
        } time{most_seconds, 0};
        const bool too_far = since_boot / ns_per_second > std::int64_t{most_seconds};
        if (!too_far) {
            time.seconds = static_cast<Number>(since_boot / ns_per_second);
            time.nanoseconds = static_cast<Number>(since_boot % ns_per_second);
        }
        if (calls(system_call, word, FUTEX_WAIT_BITSET_PRIVATE, expected, bounded ? &time : nullptr) == 0) return 0;
        return errno == ETIMEDOUT && too_far ? EINTR : errno;
    };
    int error = ENOSYS;
    if constexpr (Calls::with_64_bits != Calls::none) {
        error = call(Calls::with_64_bits, (std::numeric_limits<std::int64_t>::max)());
    }
    // Linux before 5.1 does not have the other call, and a sandbox may refuse what it does not know.
    if constexpr (Calls::with_long != Calls::none) {
        using Long = typename Calls::Long;
        if (error == ENOSYS || error == EPERM) error = call(Calls::with_long, (std::numeric_limits<Long>::max)());
    }
    switch (error) {
    case ETIMEDOUT: return false;
    case 0:
    case EINTR:
    case EAGAIN: return true;
    default: wake_failed("rouse: futex(2) failed, so a thread cannot sleep until it is woken; allow that call");
    }
}

/// If `word` equals `expected`, sleeps until futex_wake(); it may also return for no reason, so the caller has to check
/// the word again. Returns false if the deadline has passed. The kernel compares the word and suspends the thread in
/// one atomic step with respect to futex_wake(). `deadline` is by steady_clock, which is CLOCK_MONOTONIC. Panics if the
/// kernel refuses the call.
inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected,
                       std::chrono::steady_clock::time_point deadline) noexcept {
    return futex_wait_by(FutexCalls{}, &word, expected, deadline);
}

/// futex_wake() by `calls`, which a test can replace.
template <class Calls>
void futex_wake_by(Calls calls, void* word) {
    constexpr long system_call = Calls::with_long != Calls::none ? Calls::with_long : Calls::with_64_bits;
    // EFAULT, EINVAL: the memory of the word is in use for something else.
    if (calls(system_call, word, FUTEX_WAKE_PRIVATE, 1, nullptr) < 0 && errno != EFAULT && errno != EINVAL) [[unlikely]]
        wake_failed("rouse: futex(2) failed, so a sleeping thread cannot be woken; allow that call");
}

/// Wakes one thread that sleeps on the word. From any context; keeps errno. It does not access the word, which need not
/// exist any more. Panics if the kernel refuses the call.
inline void futex_wake(Atomic<std::uint32_t>* word) noexcept {
    const int saved = errno;
    futex_wake_by(FutexCalls{}, word);
    errno = saved;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#elif ROUSE_HOSTED
#error "rouse: no hosted port for this system yet: supply a Port; define ROUSE_HOSTED as 0, and ROUSE_CORES as 2"
#endif
