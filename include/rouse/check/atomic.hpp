// Atomic: an atomic of the model checker. With ROUSE_MODEL_CHECK the headers of rouse are compiled with it, too.
//
// Each operation is a step of the checker, and knows where in the program it is written: for the story of a failure,
// and so that a test of the library can weaken that one place without compiling anything anew.
#pragma once

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include <rouse/core/config.hpp>

#if !ROUSE_MODEL_CHECK
#error "rouse: check: compile each file of the test with -DROUSE_MODEL_CHECK=1; see docs/check_your_handler.md"
#endif

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// One location of the model's memory, inside the object. Only the checker looks into it.
struct AtomicLocation {
    std::uint64_t initial = 0;
    std::uint32_t id = 0;
    std::uint32_t execution = 0;
};

using CodeLocation = std::source_location;

/// What a read-modify-write makes of the value that it finds.
using AtomicChange = std::uint64_t (*)(std::uint64_t before, std::uint64_t operand);

// The steps of the checker, defined by check/engine.hpp.
void construct_atomic(AtomicLocation& location, std::uint64_t value);
void destroy_atomic(AtomicLocation& location);
std::uint64_t atomic_load(const AtomicLocation& location, std::memory_order order, const CodeLocation& where);
void atomic_store(AtomicLocation& location, std::uint64_t value, std::memory_order order, const CodeLocation& where);
std::uint64_t atomic_change(AtomicLocation& location, AtomicChange change, std::uint64_t operand, const char* what,
                            std::memory_order order, const CodeLocation& where);
bool atomic_compare_exchange(AtomicLocation& location, std::uint64_t& expected, std::uint64_t desired,
                             std::memory_order success, std::memory_order failure, bool weak,
                             const CodeLocation& where);
void atomic_fence(std::memory_order order, const CodeLocation& where);
void light_barrier(const CodeLocation& where = CodeLocation::current()) noexcept;
void heavy_barrier(const CodeLocation& where = CodeLocation::current()) noexcept;
/// Returns false if the time is up.
bool atomic_wait(AtomicLocation& location, std::uint64_t expected, bool timed, const CodeLocation& where);
void atomic_wake(AtomicLocation& location, const CodeLocation& where);

} // namespace detail

namespace check {

/// std::atomic for checked programs, for values of up to eight bytes: integers, enumerations, pointers, small structs.
/// Use it in place of std::atomic for everything that contexts share. Each operation can be the place where another
/// context comes in between, and a load returns, in one execution or another, each value that C++ allows.
template <class T>
class Atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8,
                  "rouse: check::Atomic: T must be trivially copyable and of at most eight bytes");
    using Order = std::memory_order;
    using Where = detail::CodeLocation;

public:
    /// Holds T{}.
    constexpr Atomic() noexcept : Atomic{T{}} {}
    /// Holds `value`. Can be `constinit`, for what is not used in a checked program.
    constexpr explicit Atomic(T value) noexcept {
        if (std::is_constant_evaluated()) {
            if constexpr (!std::is_pointer_v<T>) location_.initial = to_bits(value);
        } else {
            detail::construct_atomic(location_, to_bits(value));
        }
    }
    constexpr ~Atomic() {
        if (!std::is_constant_evaluated()) detail::destroy_atomic(location_);
    }
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    /// As in std::atomic; `where` is filled in by the compiler.
    [[nodiscard]] T load(Order order = Order::seq_cst, const Where& where = Where::current()) const noexcept {
        return from_bits(detail::atomic_load(location_, order, where));
    }
    /// As in std::atomic.
    void store(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept {
        detail::atomic_store(location_, to_bits(value), order, where);
    }
    /// As in std::atomic.
    T exchange(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept {
        return change([](std::uint64_t, std::uint64_t to) { return to; }, value, "exchanges", order, where);
    }
    /// As in std::atomic: adds; for integers.
    T fetch_add(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept
        requires std::is_integral_v<T>
    {
        return change(apply<[](auto a, auto b) { return a + b; }>, value, "adds", order, where);
    }
    /// As in std::atomic: subtracts; for integers.
    T fetch_sub(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept
        requires std::is_integral_v<T>
    {
        return change(apply<[](auto a, auto b) { return a - b; }>, value, "subtracts", order, where);
    }
    /// As in std::atomic: sets bits; for integers.
    T fetch_or(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept
        requires std::is_integral_v<T>
    {
        return change(apply<[](auto a, auto b) { return a | b; }>, value, "sets bits", order, where);
    }
    /// As in std::atomic: clears the others; for integers.
    T fetch_and(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept
        requires std::is_integral_v<T>
    {
        return change(apply<[](auto a, auto b) { return a & b; }>, value, "clears bits", order, where);
    }
    /// As in std::atomic: flips bits; for integers.
    T fetch_xor(T value, Order order = Order::seq_cst, const Where& where = Where::current()) noexcept
        requires std::is_integral_v<T>
    {
        return change(apply<[](auto a, auto b) { return a ^ b; }>, value, "flips bits", order, where);
    }
    /// As in std::atomic. The weak form may fail without a reason, see Options::weak_failures.
    bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                                 const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, success, failure, false, where);
    }
    /// As above.
    bool compare_exchange_strong(T& expected, T desired, Order order = Order::seq_cst,
                                 const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, order, on_failure(order), false, where);
    }
    /// As above.
    bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                               const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, success, failure, true, where);
    }
    /// As above.
    bool compare_exchange_weak(T& expected, T desired, Order order = Order::seq_cst,
                               const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, order, on_failure(order), true, where);
    }

    /// For the library.
    /// @cond internal
    detail::AtomicLocation& location() noexcept { return location_; }
    /// @endcond

private:
    static constexpr std::uint64_t to_bits(T value) noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<std::uint64_t>(value);
        } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            return static_cast<std::uint64_t>(value);
        } else {
            std::uint64_t bits = 0;
            std::memcpy(&bits, &value, sizeof value);
            return bits;
        }
    }
    static T from_bits(std::uint64_t bits) noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<T>(bits);
        } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            return static_cast<T>(bits);
        } else {
            T value;
            std::memcpy(&value, &bits, sizeof value);
            return value;
        }
    }
    template <auto operation>
    static std::uint64_t apply(std::uint64_t before, std::uint64_t operand) {
        return to_bits(static_cast<T>(operation(from_bits(before), from_bits(operand))));
    }
    static constexpr Order on_failure(Order order) noexcept {
        return order == Order::acq_rel ? Order::acquire : order == Order::release ? Order::relaxed : order;
    }
    T change(detail::AtomicChange how, T operand, const char* what, Order order, const Where& where) noexcept {
        return from_bits(detail::atomic_change(location_, how, to_bits(operand), what, order, where));
    }
    bool compare_exchange(T& expected, T desired, Order success, Order failure, bool weak,
                          const Where& where) noexcept {
        std::uint64_t bits = to_bits(expected);
        const bool done =
            detail::atomic_compare_exchange(location_, bits, to_bits(desired), success, failure, weak, where);
        expected = from_bits(bits);
        return done;
    }

    detail::AtomicLocation location_;
};

/// std::atomic_thread_fence for checked programs.
inline void fence(std::memory_order order, const detail::CodeLocation& where = detail::CodeLocation::current()) {
    detail::atomic_fence(order, where);
}

} // namespace check

namespace detail {

template <class T>
using Atomic = check::Atomic<T>;

inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::steady_clock::time_point until,
                       const CodeLocation& where = CodeLocation::current()) noexcept {
    return atomic_wait(word.location(), expected, until != (std::chrono::steady_clock::time_point::max)(), where);
}
inline void futex_wake(Atomic<std::uint32_t>* word, const CodeLocation& where = CodeLocation::current()) noexcept {
    atomic_wake(word->location(), where);
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse
