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
// core, of which most such chips have one; it is not lock-free, and does not claim to be. Two of them (RP2040) need an
// Atomic made with the chip's spin locks, and get an error without.
#pragma once

#include <rouse/core/config.hpp>

#if defined(ROUSE_ATOMIC_HEADER)
#include ROUSE_ATOMIC_HEADER
#elif defined(__ARM_ARCH_6M__) && ROUSE_CORES > 1
#error "rouse: ARMv6-M cannot read and write at once between cores: give a ROUSE_ATOMIC_HEADER, made with spin locks"
#elif !ROUSE_HOSTED && ROUSE_CORES == 1

#include <atomic>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

// All of it is inlined, or the orders would be looked at when it runs.
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
    // Volatile: one load or store of its own, as atomic as an access of one word is, and never a call of a library.
    [[gnu::always_inline]] T read() const noexcept { return static_cast<const volatile T&>(value_); }
    [[gnu::always_inline]] void write(T value) noexcept { static_cast<volatile T&>(value_) = value; }

#if defined(__ARM_ARCH_6M__)
    // With interrupts off, from the load to the store; nests. The "memory" clobbers keep the compiler from moving an
    // access out of the section.
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

/// std::atomic, or the target's stand-in with the same functions.
template <class T>
using Atomic = std::atomic<T>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse

#endif
