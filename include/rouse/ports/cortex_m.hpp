// The port of Cortex-M: ARMv6-M, ARMv7-M and ARMv8-M, without an operating system.
//
// How it sleeps without losing a wake: on one core, the loop checks for a wake and sleeps with interrupts masked by
// PRIMASK. An interrupt between the check and WFI stays pending, and a pending interrupt ends WFI even while it is
// masked; its handler runs as soon as the mask is lifted, and the loop checks again. (BASEPRI would not do: WFI is not
// ended by interrupts that BASEPRI masks.)
//
// If another core may wake this one (ROUSE_CORES > 1), the loop sleeps in WFE, and wake() executes SEV. The processor's
// event register records a SEV, and the return from an interrupt, until the next WFE; so an event between the check and
// WFE ends WFE at once, and no interrupt needs to be masked.
//
// The program chooses the source of time: SysTick (below), or any class with the functions of SysTickClock.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Masks the interrupts of this core while it lives. Can be nested. The "memory" clobbers keep accesses inside.
class InterruptsMasked {
public:
    InterruptsMasked() noexcept { asm volatile("mrs %0, primask\n cpsid i" : "=r"(before_)::"memory"); }
    ~InterruptsMasked() { asm volatile("msr primask, %0\n isb" ::"r"(before_) : "memory"); }
    InterruptsMasked(const InterruptsMasked&) = delete;
    InterruptsMasked& operator=(const InterruptsMasked&) = delete;

private:
    std::uint32_t before_;
};

} // namespace detail

/// Keeps time with SysTick: counts an interrupt every `period`, and reads the counter for the time in between. The
/// program calls tick() from SysTick_Handler, and only there.
///
/// Every tick wakes the sleeping core, and a sleep ends at the first tick at or after its deadline. A program that must
/// not be woken so often uses a timer with a compare register instead; see docs/porting.md.
class SysTickClock {
public:
    /// Starts SysTick on the processor clock of `hertz`. A period has at most 2^24 cycles, and should have some
    /// hundred.
    explicit SysTickClock(std::uint32_t hertz, std::chrono::microseconds period = std::chrono::milliseconds{1}) noexcept
        : cycles_{static_cast<std::uint32_t>(std::uint64_t{hertz} / 1000 * static_cast<std::uint32_t>(period.count()) /
                                             1000)},
          nanoseconds_per_tick_{static_cast<std::uint32_t>(period.count()) * 1000},
          fraction_{static_cast<std::uint32_t>((std::uint64_t{1'000'000'000} << 16) / hertz)} {
        reload() = cycles_ - 1;
        counter() = 0;
        control() = 7; // the processor's clock, interrupt, on
    }
    ~SysTickClock() { control() = 0; }
    SysTickClock(const SysTickClock&) = delete;
    SysTickClock& operator=(const SysTickClock&) = delete;

    /// Counts a tick. To be called from SysTick_Handler.
    void tick() noexcept { passed_ = passed_ + nanoseconds_per_tick_; }

    /// The time since the construction. From any context that a tick may interrupt; masks interrupts for some 20
    /// cycles.
    [[nodiscard]] TimePoint now() const noexcept {
        const detail::InterruptsMasked masked;
        std::uint32_t left = counter();
        std::uint64_t whole = passed_;
        if ((interrupt_state() & systick_pending) != 0) { // a tick has not been counted yet: read again, after it
            left = counter();
            whole += nanoseconds_per_tick_;
        }
        // The tick is raised at the count of 0, which is the first cycle of the next period.
        const std::uint32_t cycles = left == 0 ? 0 : cycles_ - left;
        const auto part = static_cast<std::uint32_t>((std::uint64_t{cycles} * fraction_) >> 16);
        return TimePoint{std::chrono::nanoseconds{static_cast<std::int64_t>(whole + part)}};
    }

    /// Ensures an interrupt at `deadline` or earlier. Does nothing, as every tick is one.
    void interrupt_at(TimePoint) noexcept {}

private:
    static constexpr std::uint32_t systick_pending = 1U << 26;

    static volatile std::uint32_t& at(std::uintptr_t address) noexcept {
        return *reinterpret_cast<volatile std::uint32_t*>(address);
    }
    static volatile std::uint32_t& control() noexcept { return at(0xe000e010); }
    static volatile std::uint32_t& reload() noexcept { return at(0xe000e014); }
    static volatile std::uint32_t& counter() noexcept { return at(0xe000e018); }
    static volatile std::uint32_t& interrupt_state() noexcept { return at(0xe000ed04); }

    const std::uint32_t cycles_;
    const std::uint32_t nanoseconds_per_tick_;
    const std::uint32_t fraction_;      // nanoseconds of a cycle, in 1/65536
    volatile std::uint64_t passed_ = 0; // written by tick() only, read with interrupts masked
};

/// Lets a loop sleep on a Cortex-M. `Timer` has now() and interrupt_at(deadline), like SysTickClock.
///
/// For the loop on its core; wake() may be called from any interrupt handler, and with ROUSE_CORES > 1 from other
/// cores. The loop calls now() at any time and interrupt_at() with interrupts masked; there must be an interrupt even
/// if the deadline has passed meanwhile. No wake is lost, and each is counted once.
template <class Timer = SysTickClock>
class CortexMPort final : public Port {
public:
    /// `timer` must outlive the port.
    constexpr explicit CortexMPort(Timer& timer) noexcept : timer_{timer} {}
    ~CortexMPort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return timer_.now(); }

    unsigned wait_until(TimePoint deadline) noexcept override {
        while (deadline != at_once && wakes_.load(std::memory_order_relaxed) == 0 && before(deadline)) sleep(deadline);
        return wakes_.exchange(0, std::memory_order_acquire);
    }

    void wake() noexcept override {
        wakes_.fetch_add(1, std::memory_order_release);
#if ROUSE_CORES > 1
        asm volatile("dsb\n sev" ::: "memory"); // dsb: so that the other core sees the wake when it checks
#endif
    }

private:
    // Compares counts, as the operators of chrono become calls at -Os. Without a deadline it does not read the time.
    [[nodiscard]] bool before(TimePoint deadline) const noexcept {
        return deadline == no_deadline || timer_.now().time_since_epoch().count() < deadline.time_since_epoch().count();
    }

    void sleep(TimePoint deadline) noexcept {
#if ROUSE_CORES > 1
        if (deadline != no_deadline) timer_.interrupt_at(deadline);
        if (wakes_.load(std::memory_order_relaxed) == 0) asm volatile("wfe" ::: "memory");
#else
        const detail::InterruptsMasked masked;
        if (deadline != no_deadline) timer_.interrupt_at(deadline);
        if (wakes_.load(std::memory_order_relaxed) == 0) asm volatile("dsb\n wfi" ::: "memory");
#endif
    }

    Timer& timer_;
    detail::Atomic<unsigned> wakes_{0}; // incremented by wake() (release), taken by the loop (acquire)
};

} // namespace ROUSE_ABI
} // namespace rouse
