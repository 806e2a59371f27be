// The one place where rouse names its atomics. Every lock-free header takes them from here, so that a target
// without read-modify-write instructions, or a model checker, can put its own in their place.
//
// On ARMv6-M (Cortex-M0), which has loads and stores but no exchange, Atomic has the same interface with each
// read-modify-write done under PRIMASK: three to six instructions with interrupts off. That is atomic towards
// interrupts of the same core, which is all such a chip has; it is not lock-free, and does not claim to be.
#pragma once

#include <rouse/core/config.hpp>

#if defined(ROUSE_ATOMIC_HEADER)
#include ROUSE_ATOMIC_HEADER
#elif defined(__ARM_ARCH_6M__)

#include <atomic>

namespace rouse::inline ROUSE_ABI {

template <class T>
class Atomic {
public:
    constexpr Atomic() noexcept = default;
    constexpr explicit Atomic(T value) noexcept : value_{value} {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const noexcept { return value_.load(order); }
    void store(T value, std::memory_order order) noexcept { value_.store(value, order); }

    T exchange(T value, std::memory_order) noexcept {
        const Masked masked;
        const T old = value_.load(std::memory_order_relaxed);
        value_.store(value, std::memory_order_relaxed);
        return old;
    }

    bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order) noexcept {
        const Masked masked;
        const T old = value_.load(std::memory_order_relaxed);
        if (old == expected) {
            value_.store(desired, std::memory_order_relaxed);
            return true;
        }
        expected = old;
        return false;
    }

    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
        return compare_exchange_strong(expected, desired, success, failure);
    }

private:
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
