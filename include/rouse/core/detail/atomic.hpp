// Atomic: the atomics of rouse, named in this one place. Every lock-free header takes them from here, so that a target
// without read-modify-write instructions, or a model checker, can supply its own.
//
// On a microcontroller with one core, an interrupt handler sees everything that the interrupted code has done, in
// order. Only the compiler can reorder accesses. There, Atomic turns memory orders into compiler barriers and omits the
// barrier instructions of the processor, which order memory for other cores. (None of rouse's objects orders memory for
// DMA, on any processor; the driver that starts and ends a transfer must do so.)
//
// ARMv6-M (Cortex-M0) has loads and stores but no read-modify-write instructions. There, Atomic masks interrupts
// (PRIMASK) around each read-modify-write, for three to six instructions. That makes it atomic with respect to
// interrupts of the same core. It is not lock-free and does not claim to be. With two such cores (RP2040) masking is
// not enough: Atomic must then be made with the chip's spin locks, and without a ROUSE_ATOMIC_HEADER the program does
// not compile.
#pragma once

#include <rouse/core/config.hpp>

#if defined(ROUSE_ATOMIC_HEADER)
#include ROUSE_ATOMIC_HEADER
#elif defined(__ARM_ARCH_6M__) && ROUSE_CORES > 1
#error "rouse: Atomic: ARMv6-M has no read-modify-write between cores; define ROUSE_ATOMIC_HEADER, made with spin locks"
#elif !ROUSE_HOSTED && ROUSE_CORES == 1

#include <atomic>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The part of std::atomic that rouse uses, for one core. Always inlined, so that each memory order is a constant.
template <class T>
class Atomic {
public:
    constexpr Atomic() noexcept = default;
    constexpr explicit Atomic(T value) noexcept : value_{value} {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard, gnu::always_inline]] T load(std::memory_order order) const noexcept {
        const T value = read();
        std::atomic_signal_fence(order);
        return value;
    }

    [[gnu::always_inline]] void store(T value, std::memory_order order) noexcept {
        std::atomic_signal_fence(order);
        write(value);
    }

    [[gnu::always_inline]] T exchange(T value, std::memory_order order) noexcept {
        std::atomic_signal_fence(order);
#if defined(__ARM_ARCH_6M__)
        const T old = change([value](T) { return value; });
#else
        const T old = __atomic_exchange_n(&value_, value, __ATOMIC_RELAXED);
#endif
        std::atomic_signal_fence(order);
        return old;
    }

    [[gnu::always_inline]] T fetch_add(T value, std::memory_order order) noexcept {
        std::atomic_signal_fence(order);
#if defined(__ARM_ARCH_6M__)
        const T old = change([value](T before) { return before + value; });
#else
        const T old = __atomic_fetch_add(&value_, value, __ATOMIC_RELAXED);
#endif
        std::atomic_signal_fence(order);
        return old;
    }

    [[gnu::always_inline]] bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                                        std::memory_order) noexcept {
        std::atomic_signal_fence(success);
#if defined(__ARM_ARCH_6M__)
        const T old = change([expected, desired](T before) { return before == expected ? desired : before; });
        const bool done = old == expected;
        if (!done) expected = old;
#else
        const bool done =
            __atomic_compare_exchange_n(&value_, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
#endif
        std::atomic_signal_fence(success);
        return done;
    }

    [[gnu::always_inline]] bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                                                      std::memory_order failure) noexcept {
        return compare_exchange_strong(expected, desired, success, failure);
    }

private:
    // Volatile, so that each call is exactly one load or store of a word, which is atomic, and never a library call.
    [[gnu::always_inline]] T read() const noexcept { return static_cast<const volatile T&>(value_); }
    [[gnu::always_inline]] void write(T value) noexcept { static_cast<volatile T&>(value_) = value; }

#if defined(__ARM_ARCH_6M__)
    // Replaces the value by next(value) with interrupts masked from the load to the store. Nests, because it restores
    // PRIMASK. The "memory" clobbers keep the compiler from moving an access out of the section.
    template <class F>
    [[gnu::always_inline]] T change(F next) noexcept {
        unsigned masked_before;
        asm volatile("mrs %0, primask\n cpsid i" : "=r"(masked_before)::"memory");
        const T old = read();
        write(next(old));
        asm volatile("msr primask, %0" ::"r"(masked_before) : "memory");
        return old;
    }
#endif

    T value_{};
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#else

#include <atomic>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// std::atomic on every other target.
template <class T>
using Atomic = std::atomic<T>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif
