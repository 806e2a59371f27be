// The asymmetric barrier: keeps a store before a later load on two sides, at the cost of the side that is about to
// sleep. If one side does  store x; light_barrier(); load y  and the other  store y; heavy_barrier(); load x,  then at
// least one of them sees the other's store. From any context.
//
// On Linux the heavy side uses membarrier(2), which makes every running thread of this process execute a full barrier;
// the light side then only restrains the compiler. If the kernel does not support it, or a seccomp filter refuses it,
// even one that was installed later, both are full fences. On one core without an operating system, where an interrupt
// handler runs to completion between two instructions, both only restrain the compiler; ROUSE_CORES=2 or more makes
// them fences.
#pragma once

#include <atomic>

#include <rouse/core/detail/atomic.hpp>

#if !defined(ROUSE_ATOMIC_HEADER) // that header defines the barriers

#if defined(__linux__) && ROUSE_HOSTED
#include <cerrno>
#include <chrono>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

// A full fence. ThreadSanitizer does not support fences (GCC warns), so it gets a read-modify-write instead.
inline void full_fence() noexcept {
#if ROUSE_TSAN
    static std::atomic<int> word{0};
    word.fetch_add(1, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

#if defined(__linux__) && ROUSE_HOSTED
// Keeps errno, as it may run in a signal handler.
inline bool membarrier(int command) noexcept {
    const int saved = errno;
    const bool done = ::syscall(SYS_membarrier, command, 0, 0) == 0;
    errno = saved;
    return done;
}
inline bool register_membarrier() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }

// What the sides know of membarrier(2). The light side does without a fence only while it is `works`.
enum class Membarrier : unsigned char {
    unknown, // before main()
    works,
    ending, // it worked and was refused: light sides may not have seen that yet
    refused
};
// Written by membarrier_registered before main() and by heavy_barrier(), read by both sides, on threads that a static
// constructor has started too. Relaxed: the barriers make the order.
inline constinit std::atomic<Membarrier> membarrier_state{Membarrier::unknown};
inline const bool membarrier_registered = [] {
    auto before = Membarrier::unknown;
    const auto after = register_membarrier() ? Membarrier::works : Membarrier::refused;
    return membarrier_state.compare_exchange_strong(before, after, std::memory_order_relaxed);
}();

// Called when the kernel refuses what it had granted, which a seccomp filter can make it do at any time. From now on
// light sides use fences. One that has seen `works` just before has its store still in the store buffer of its core,
// for some nanoseconds, or it is not running, and then its store is out. There is no guarantee for that without
// membarrier, but a millisecond is a million times as long as any buffer needs. Each heavy side waits, until one has
// waited.
inline void give_up_membarrier() noexcept {
    membarrier_state.store(Membarrier::ending, std::memory_order_relaxed);
    full_fence();
    // Spins, as a call that sleeps is a cancellation point, and the filter may refuse it too.
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1};
    while (std::chrono::steady_clock::now() < end) {
    }
    membarrier_state.store(Membarrier::refused, std::memory_order_relaxed);
    full_fence();
}
#endif

/// Orders a store before a load on the fast side. Pairs with heavy_barrier(). On Linux it costs a load and a branch.
inline void light_barrier() noexcept {
#if defined(__linux__) && ROUSE_HOSTED
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (membarrier_state.load(std::memory_order_relaxed) != Membarrier::works) [[unlikely]]
        full_fence();
#elif !ROUSE_HOSTED && ROUSE_CORES == 1
    std::atomic_signal_fence(std::memory_order_seq_cst);
#else
    full_fence();
#endif
}

/// Orders a store before a load on the side that is about to sleep. Pairs with light_barrier(). On Linux a system call,
/// 0.2 to 0.5 us.
inline void heavy_barrier() noexcept {
#if defined(__linux__) && ROUSE_HOSTED
    full_fence();
    if (membarrier_state.load(std::memory_order_relaxed) == Membarrier::refused) return;
    // Registers again if it runs before main(), or in a child of fork().
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
    if (register_membarrier() && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
    if (membarrier_state.load(std::memory_order_relaxed) != Membarrier::unknown) give_up_membarrier();
#elif !ROUSE_HOSTED && ROUSE_CORES == 1
    std::atomic_signal_fence(std::memory_order_seq_cst);
#else
    full_fence();
#endif
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif
