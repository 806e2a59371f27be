// The one place where rouse names its atomics. Every lock-free header takes them from here, so that a target
// without read-modify-write instructions, or a model checker, can put its own in their place.
//
// On a microcontroller with one core, whoever interrupts another sees all that it has done, in its order: what has to
// be kept from reordering is the compiler, and Atomic has the orders of its operations as compiler barriers, without
// the barrier instructions of the processor, which order memory for other cores. (What DMA reads and writes is not
// ordered by any of rouse's objects, on any processor, but by the driver that starts and ends it.)
//
// ARMv6-M (Cortex-M0) has loads and stores, but nothing that reads and writes at once. There each read-modify-write is
// done under PRIMASK: three to six instructions with interrupts off. That is atomic towards interrupts of the same
// core, which is all such a chip has; it is not lock-free, and does not claim to be.
#pragma once

#include <rouse/core/config.hpp>

#if defined(ROUSE_ATOMIC_HEADER)
#include ROUSE_ATOMIC_HEADER
#elif !ROUSE_HOSTED && ROUSE_CORES == 1

#include <atomic>

namespace rouse::inline ROUSE_ABI {

template <class T>
class Atomic {
public:
    constexpr Atomic() noexcept = default;
    constexpr explicit Atomic(T value) noexcept : value_{value} {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const noexcept {
        const T value = value_.load(std::memory_order_relaxed);
        std::atomic_signal_fence(order);
        return value;
    }

    void store(T value, std::memory_order order) noexcept {
        std::atomic_signal_fence(order);
        value_.store(value, std::memory_order_relaxed);
    }

    T exchange(T value, std::memory_order order) noexcept {
        const Fences fences{order};
#if defined(__ARM_ARCH_6M__)
        const Masked masked;
        const T old = value_.load(std::memory_order_relaxed);
        value_.store(value, std::memory_order_relaxed);
        return old;
#else
        return value_.exchange(value, std::memory_order_relaxed);
#endif
    }

    bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order) noexcept {
        const Fences fences{success};
#if defined(__ARM_ARCH_6M__)
        const Masked masked;
        const T old = value_.load(std::memory_order_relaxed);
        if (old == expected) {
            value_.store(desired, std::memory_order_relaxed);
            return true;
        }
        expected = old;
        return false;
#else
        return value_.compare_exchange_strong(expected, desired, std::memory_order_relaxed, std::memory_order_relaxed);
#endif
    }

    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
        return compare_exchange_strong(expected, desired, success, failure);
    }

private:
    // On both sides of a read-modify-write.
    struct Fences {
        explicit Fences(std::memory_order around) noexcept : order{around} { std::atomic_signal_fence(order); }
        ~Fences() { std::atomic_signal_fence(order); }
        Fences(const Fences&) = delete;
        Fences& operator=(const Fences&) = delete;
        std::memory_order order;
    };

#if defined(__ARM_ARCH_6M__)
    // Interrupts off for the life of this object; nests. The "memory" clobbers keep the compiler from moving
    // an access out of the section.
    class Masked {
    public:
        Masked() noexcept { asm volatile("mrs %0, primask\n cpsid i" : "=r"(before_)::"memory"); }
        ~Masked() { asm volatile("msr primask, %0" ::"r"(before_) : "memory"); }
        Masked(const Masked&) = delete;
        Masked& operator=(const Masked&) = delete;

    private:
        unsigned before_;
    };
#endif

    std::atomic<T> value_{};
};

} // namespace rouse::inline ROUSE_ABI

#else

#include <atomic>

namespace rouse::inline ROUSE_ABI {

/// std::atomic, or the target's stand-in with the same functions.
template <class T>
using Atomic = std::atomic<T>;

} // namespace rouse::inline ROUSE_ABI

#endif
