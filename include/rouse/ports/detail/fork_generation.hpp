// ForkGeneration: tells what was made in this process from what it has inherited from its parent by fork().
#pragma once

#include <atomic>
#include <csignal>

#include <pthread.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A member of an object that must not be used on in a child, because it shares something with the parent. It knows
/// fork(), by pthread_atfork, so that the question costs one load. It does not know vfork() and posix_spawn(), whose
/// child may do nothing but exec, nor a bare clone() or _Fork().
class ForkGeneration {
public:
    ForkGeneration() noexcept = default;

    /// From any context: whether this object was made before the fork() that made this process.
    [[nodiscard]] bool inherited() const noexcept { return made_in_ != now_.load(std::memory_order_relaxed); }

    /// Begins to count, the first time. Returns 0 or an errno. To be called once an object is made.
    static int count_forks() noexcept {
        static const int error = ::pthread_atfork(hold_signals, release_signals, begin_child);
        return error;
    }

private:
    // A signal that the child gets before it has counted would find everything to be its own. So it gets none.
    static void hold_signals() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &mask_before_);
    }
    static void release_signals() noexcept { ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr); }
    static void begin_child() noexcept {
        now_.fetch_add(1, std::memory_order_relaxed); // there is no other thread, and no signal
        release_signals();
    }

    static inline constinit std::atomic<unsigned> now_{0}; // how many forks this process is away from the first one
    static inline constinit thread_local sigset_t mask_before_{};

    unsigned made_in_ = now_.load(std::memory_order_relaxed);
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
