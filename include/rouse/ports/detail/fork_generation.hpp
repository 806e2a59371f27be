// ForkGeneration: tells objects made in this process from those inherited from its parent by fork().
#pragma once

#include <atomic>
#include <csignal>

#include <pthread.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A member of an object that a child process must not use any more, because it shares a resource with the parent.
/// inherited() may be called from any context, and costs one load.
///
/// It counts fork(), through pthread_atfork. It does not notice vfork() and posix_spawn(), whose child may only exec,
/// nor a bare clone() or _Fork().
class ForkGeneration {
public:
    ForkGeneration() noexcept = default;

    /// Whether this object was made before the fork() that made this process. From any context.
    [[nodiscard]] bool inherited() const noexcept { return made_in_ != now_.load(std::memory_order_relaxed); }

    /// Begins to count forks, if it has not yet. Returns 0 or an errno. EpollPort calls it before any object on it is
    /// made.
    static int count_forks() noexcept {
        static const int error = ::pthread_atfork(hold_signals, release_signals, begin_child);
        return error;
    }

private:
    // A handler that runs in the child before the fork is counted would take inherited objects for the child's. So
    // signals are blocked until then.
    static void hold_signals() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &mask_before_);
    }
    static void release_signals() noexcept { ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr); }
    static void begin_child() noexcept {
        now_.fetch_add(1, std::memory_order_relaxed); // relaxed: no other thread exists, and signals are blocked
        release_signals();
    }

    static inline constinit std::atomic<unsigned> now_{0}; // forks since the first process; written by begin_child()
    static inline constinit thread_local sigset_t mask_before_{};

    unsigned made_in_ = now_.load(std::memory_order_relaxed);
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
