// The policy that rouse's headers are compiled with here (ROUSE_ATOMIC_HEADER): each atomic operation, barrier and
// futex call is a step of the model checker. Each knows where in the headers it stands, so that it can be weakened or
// left out there without compiling anything anew (see mutants.hpp).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <source_location>
#include <type_traits>

#include <rouse/core/config.hpp>

namespace model {

using Order = std::memory_order;
using Where = std::source_location;

constexpr bool acquires(Order order) {
    return order == Order::acquire || order == Order::acq_rel || order == Order::seq_cst;
}
constexpr bool releases(Order order) {
    return order == Order::release || order == Order::acq_rel || order == Order::seq_cst;
}

/// One location of the model's memory, inside the object. Only the checker looks into it.
struct Location {
    std::uint64_t initial = 0;
    std::uint32_t id = 0;
    std::uint32_t execution = 0;
};

void construct(Location& location, std::uint64_t value);
void destroy(Location& location);
std::uint64_t load(const Location& location, Order order, const Where& where);
void store(Location& location, std::uint64_t value, Order order, const Where& where);
std::uint64_t exchange(Location& location, std::uint64_t value, Order order, const Where& where);
std::uint64_t fetch_add(Location& location, std::uint64_t value, Order order, const Where& where);
bool compare_exchange(Location& location, std::uint64_t& expected, std::uint64_t desired, Order success, Order failure,
                      bool weak, const Where& where);
void fence(Order order, const Where& where);
void light_barrier(const Where& where);
void heavy_barrier(const Where& where);
bool futex_wait(Location& location, std::uint64_t expected, bool timed, const Where& where); // false: time is up
void futex_wake(Location& location, const Where& where);

template <class T>
class Atomic {
public:
    constexpr Atomic() noexcept : Atomic{T{}} {}
    constexpr explicit Atomic(T value) noexcept {
        if (std::is_constant_evaluated()) {
            if constexpr (!std::is_pointer_v<T>) location_.initial = to_bits(value);
        } else {
            construct(location_, to_bits(value));
        }
    }
    constexpr ~Atomic() {
        if (!std::is_constant_evaluated()) destroy(location_);
    }
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(Order order, const Where& where = Where::current()) const noexcept {
        return from_bits(model::load(location_, order, where));
    }
    void store(T value, Order order, const Where& where = Where::current()) noexcept {
        model::store(location_, to_bits(value), order, where);
    }
    T exchange(T value, Order order, const Where& where = Where::current()) noexcept {
        return from_bits(model::exchange(location_, to_bits(value), order, where));
    }
    T fetch_add(T value, Order order, const Where& where = Where::current()) noexcept {
        return from_bits(model::fetch_add(location_, to_bits(value), order, where));
    }
    bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                                 const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, success, failure, false, where);
    }
    bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                               const Where& where = Where::current()) noexcept {
        return compare_exchange(expected, desired, success, failure, true, where);
    }

    Location& location() noexcept { return location_; }

private:
    static constexpr std::uint64_t to_bits(T value) noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<std::uint64_t>(value);
        } else {
            return static_cast<std::uint64_t>(value);
        }
    }
    static T from_bits(std::uint64_t bits) noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<T>(bits);
        } else {
            return static_cast<T>(bits);
        }
    }
    bool compare_exchange(T& expected, T desired, Order success, Order failure, bool weak,
                          const Where& where) noexcept {
        std::uint64_t bits = to_bits(expected);
        const bool done = model::compare_exchange(location_, bits, to_bits(desired), success, failure, weak, where);
        expected = from_bits(bits);
        return done;
    }

    Location location_;
};

} // namespace model

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

template <class T>
using Atomic = model::Atomic<T>;

inline void light_barrier(const model::Where& where = model::Where::current()) noexcept { model::light_barrier(where); }
inline void heavy_barrier(const model::Where& where = model::Where::current()) noexcept { model::heavy_barrier(where); }

inline bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected, std::chrono::steady_clock::time_point until,
                       const model::Where& where = model::Where::current()) noexcept {
    return model::futex_wait(word.location(), expected, until != std::chrono::steady_clock::time_point::max(), where);
}
inline void futex_wake(Atomic<std::uint32_t>* word, const model::Where& where = model::Where::current()) noexcept {
    model::futex_wake(word->location(), where);
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse
