// WrappingCounter: a hardware counter of few bits, made into one that does not wrap.
#pragma once

#include <cstdint>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Which way a hardware counter counts.
enum class Counting : unsigned char {
    up,  ///< From 0 upwards.
    down ///< Down to 0, and on from the top.
};

namespace detail {
struct NothingMasked {};
} // namespace detail

/// Extends a free-running counter of `Bits` bits, which counts up or down and wraps at 2^Bits, to 64 bits that count up
/// from 0. For the now() of a port's timer.
///
/// It must be read at least once in the time that the hardware takes to wrap; a wrap that nobody has seen is lost.
/// Where interrupts read it as well as the loop, `Masked` is a class that keeps interrupts off while it lives, such as
/// detail::InterruptsMasked of the Cortex-M port; without one it belongs to a single context.
template <unsigned Bits, Counting Direction = Counting::up, class Masked = detail::NothingMasked>
class WrappingCounter {
    static_assert(Bits >= 2 && Bits <= 32, "rouse: WrappingCounter: a counter of 2 to 32 bits");

public:
    /// `now`: what the hardware shows, which is 0 from here on.
    constexpr explicit WrappingCounter(std::uint32_t now = 0) noexcept : seen_{now} {}
    WrappingCounter(const WrappingCounter&) = delete;
    WrappingCounter& operator=(const WrappingCounter&) = delete;

    /// How far the hardware has counted. `hardware()` returns what it shows now, and is called with interrupts off: had
    /// it been called before, another reader could come in between, and time would seem to have gone back a whole wrap.
    template <class Read>
    std::uint64_t read(Read hardware) noexcept {
        [[maybe_unused]] const Masked masked{};
        const std::uint32_t now = hardware();
        passed_ += (Direction == Counting::up ? now - seen_ : seen_ - now) & (~std::uint32_t{0} >> (32 - Bits));
        seen_ = now;
        return passed_;
    }

private:
    std::uint32_t seen_;       // by the last reader; with the next, belongs to whoever has interrupts off
    std::uint64_t passed_ = 0; // when `seen_` was
};

} // namespace ROUSE_ABI
} // namespace rouse
