// WrappingCounter: extends a hardware counter of few bits to one that does not wrap.
#pragma once

#include <cstdint>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The direction in which a hardware counter counts.
enum class Counting : unsigned char {
    up,  ///< From 0 up to its maximum, then from 0 again.
    down ///< Down to 0, then from its maximum again.
};

namespace detail {
struct NothingMasked {};
} // namespace detail

/// Extends a free-running counter of `Bits` bits, which counts up or down and wraps at 2^Bits, to 64 bits that count up
/// from 0. For the now() of a port's timer.
///
/// If interrupts read it as well as the loop, `Masked` has to be a class that masks interrupts while it lives, such as
/// detail::InterruptsMasked of the Cortex-M port. Without it, the counter is for a single context.
///
/// It must be read at least once in the time that the hardware takes to wrap; otherwise a wrap is missed and time is
/// lost. Reading costs a few instructions, with interrupts masked.
template <unsigned Bits, Counting Direction = Counting::up, class Masked = detail::NothingMasked>
class WrappingCounter {
    static_assert(Bits >= 2 && Bits <= 32, "rouse: WrappingCounter: a counter of 2 to 32 bits");

public:
    /// Starts to count at 0. `now` is the present value of the hardware counter.
    constexpr explicit WrappingCounter(std::uint32_t now = 0) noexcept : seen_{now} {}
    WrappingCounter(const WrappingCounter&) = delete;
    WrappingCounter& operator=(const WrappingCounter&) = delete;

    /// Returns how far the hardware has counted since the construction. `hardware()` has to return its present value;
    /// it is called with interrupts masked, since another reader between the call and the update would make time appear
    /// to have gone back, and this would be counted as a wrap.
    template <class Read>
    std::uint64_t read(Read hardware) noexcept {
        [[maybe_unused]] const Masked masked{};
        const std::uint32_t now = hardware();
        passed_ += (Direction == Counting::up ? now - seen_ : seen_ - now) & (~std::uint32_t{0} >> (32 - Bits));
        seen_ = now;
        return passed_;
    }

private:
    std::uint32_t seen_;       // the value at the last read; accessed, like the next, with interrupts masked
    std::uint64_t passed_ = 0; // the 64-bit count at `seen_`
};

} // namespace ROUSE_ABI
} // namespace rouse
