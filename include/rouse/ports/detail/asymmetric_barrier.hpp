// The asymmetric barrier: keeps a store before a later load on two sides, at the cost of the side that is about to
// sleep. If one side does  store x; light_barrier(); load y  and the other  store y; heavy_barrier(); load x,  then at
// least one of them sees the other's store. From any context.
//
// On Linux the heavy side uses membarrier(2), which makes every running thread of this process execute a full barrier;
// the light side then only restrains the compiler. If the kernel does not support it, both are full fences. On one core
// without an operating system, where an interrupt handler runs to completion between two instructions, both only
// restrain the compiler; ROUSE_CORES=2 or more makes them fences.
#pragma once

#include <atomic>

#include <rouse/core/detail/atomic.hpp>

#if !defined(ROUSE_ATOMIC_HEADER) // that header defines the barriers

#if defined(__linux__) && ROUSE_HOSTED
#include <cerrno>

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

// Set before main(). Until then, and always if the kernel refuses, both sides use full fences.
inline const bool has_membarrier = register_membarrier();
#endif

/// Orders a store before a load on the fast side. Pairs with heavy_barrier(). On Linux it costs a load and a branch.
inline void light_barrier() noexcept {
#if defined(__linux__) && ROUSE_HOSTED
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (!has_membarrier) [[unlikely]]
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
    // Registers again if it runs before has_membarrier is set, or in a child of fork().
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
    if (register_membarrier() && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return;
    // The light side relies on it; continuing without it could lose a wake.
    if (has_membarrier) ROUSE_PANIC("rouse: membarrier(2) worked when the program started and is refused now");
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
