// LoopNumber: tells whether a loop still exists.
#pragma once

#include <cstddef>
#include <cstdint>

#include <rouse/core/detail/atomic.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

#if ROUSE_HOSTED && !defined(ROUSE_ATOMIC_HEADER)

/// The number of a loop, which no other loop of the process has had, from its construction to its destruction. Used to
/// detect misuse (see LoopOwner): an object stores the number of its loop, which may end before it.
class LoopNumber {
public:
    LoopNumber() noexcept : value_{last_.fetch_add(1, std::memory_order_relaxed) + 1} {
        slot(value_).store(value_, std::memory_order_relaxed);
    }
    LoopNumber(const LoopNumber&) = delete;
    LoopNumber& operator=(const LoopNumber&) = delete;
    ~LoopNumber() {
        std::uint32_t expected = value_;
        slot(value_).compare_exchange_strong(expected, 0, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint32_t value() const noexcept { return value_; }

    /// Whether the loop of this number exists. May be called on any thread. False also if more than `entries` loops
    /// exist and a later one has taken the slot.
    static bool exists(std::uint32_t number) noexcept {
        return number != 0 && slot(number).load(std::memory_order_relaxed) == number;
    }

private:
    static constexpr std::size_t entries = 256;

    // All relaxed: an answer matters only to a thread that must not use the object at all, or that is ordered after the
    // end of the loop.
    static Atomic<std::uint32_t>& slot(std::uint32_t number) noexcept { return in_use_[number % entries]; }
    [[gnu::visibility("default")]] static inline constinit Atomic<std::uint32_t> last_{0};
    [[gnu::visibility("default")]] static inline constinit Atomic<std::uint32_t> in_use_[entries]{};

    const std::uint32_t value_;
};

#else

/// Without an operating system there are no threads; in a model checker this would be more to explore.
class LoopNumber {
public:
    LoopNumber() noexcept {} // not trivial, so that compilers do not warn of the member that is one
};

#endif

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
