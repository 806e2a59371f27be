// The port of RISC-V in machine mode, without an operating system: any hart with the A extension, 32 or 64 bits.
//
// How it sleeps without losing a wake: the loop checks for a wake and sleeps with mstatus.MIE off. An interrupt between
// the check and WFI stays pending, and an interrupt that is pending and enabled in mie ends WFI although MIE is off;
// its handler runs as soon as MIE is on again, and the loop checks again.
//
// It is tickless: a sleep with a deadline sets the machine timer to that deadline. The machine timer's interrupt is
// enabled in mie during the sleep only, so it ends WFI and is never taken: the program needs no handler for it.
//
// If another hart may wake this one (ROUSE_CORES > 1), wake() also raises the software interrupt (msip) of the loop's
// hart, which ends WFI in the same way and is never taken either. The loop lowers it before it checks: wake() counts
// the wake before it raises the interrupt, so either the check finds that wake, or the interrupt is pending when the
// hart reaches WFI.
#pragma once

#include <chrono>
#include <cstdint>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/port.hpp>

#if defined(__riscv) && !defined(__riscv_atomic)
#error "rouse: ports/riscv.hpp needs the A extension (-march=rv32imac or the like)"
#endif

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Masks the interrupts of this hart while it lives. Can be nested. The "memory" clobbers keep accesses inside.
class InterruptsMasked {
public:
    InterruptsMasked() noexcept { asm volatile("csrrci %0, mstatus, 8" : "=r"(before_)::"memory"); }
    ~InterruptsMasked() { asm volatile("csrs mstatus, %0" ::"r"(before_ & 8) : "memory"); }
    InterruptsMasked(const InterruptsMasked&) = delete;
    InterruptsMasked& operator=(const InterruptsMasked&) = delete;

private:
    std::uintptr_t before_;
};

} // namespace detail

/// Keeps time with the machine timer: mtime and the mtimecmp of one hart, which the program must not use any more.
/// Their addresses, and the rate of mtime, are in the chip's manual; the rate may be up to 10^9 per second.
class MachineTimer {
public:
    /// The only function that divides; at compile time if `hertz` is a constant.
    MachineTimer(std::uintptr_t mtime, std::uintptr_t mtimecmp, std::uint32_t hertz) noexcept
        : mtime_{mtime},
          mtimecmp_{mtimecmp},
          nanoseconds_per_tick_{(std::uint64_t{1'000'000'000} << 32) / hertz},
          ticks_per_nanosecond_{(std::uint64_t{hertz} << 32) / 1'000'000'000} {}

    /// The time since mtime was 0. From any context.
    [[nodiscard]] TimePoint now() const noexcept { return time_of(ticks()); }

    /// Enables the timer's interrupt, for the first or second tick at or after `deadline`; or earlier, as the factor is
    /// rounded down: by 4 parts in a million of the remaining time at 32768 Hz, and by less at higher rates. The port
    /// then sleeps again for the rest.
    void interrupt_at(TimePoint deadline) noexcept {
        const std::uint64_t at = ticks();
        const std::int64_t left = (deadline - time_of(at)).count();
        set_compare(left <= 0 ? at : at + scaled(static_cast<std::uint64_t>(left), ticks_per_nanosecond_) + 1);
        asm volatile("csrs mie, %0" ::"r"(timer_interrupt_enable) : "memory");
    }

    /// Disables the timer's interrupt.
    void no_interrupt() noexcept { asm volatile("csrc mie, %0" ::"r"(timer_interrupt_enable) : "memory"); }

private:
    static constexpr unsigned timer_interrupt_enable = 1U << 7;

    // Returns value * factor / 2^32, rounded down.
    static constexpr std::uint64_t scaled(std::uint64_t value, std::uint64_t factor) noexcept {
        const std::uint64_t low = value & 0xffff'ffff;
        return (value >> 32) * factor + low * (factor >> 32) + ((low * (factor & 0xffff'ffff)) >> 32);
    }

    TimePoint time_of(std::uint64_t ticks) const noexcept {
        return TimePoint{std::chrono::nanoseconds{static_cast<std::int64_t>(scaled(ticks, nanoseconds_per_tick_))}};
    }

#if __riscv_xlen == 32
    static volatile std::uint32_t& at(std::uintptr_t address) noexcept {
        return *reinterpret_cast<volatile std::uint32_t*>(address);
    }

    // Reads in halves, and again if the low half has wrapped in between.
    std::uint64_t ticks() const noexcept {
        for (;;) {
            const std::uint32_t high = at(mtime_ + 4);
            const std::uint32_t low = at(mtime_);
            if (at(mtime_ + 4) == high) return (std::uint64_t{high} << 32) | low;
        }
    }

    // Writes in halves, so that no intermediate value is less than the new one.
    void set_compare(std::uint64_t ticks) noexcept {
        at(mtimecmp_) = 0xffff'ffff;
        at(mtimecmp_ + 4) = static_cast<std::uint32_t>(ticks >> 32);
        at(mtimecmp_) = static_cast<std::uint32_t>(ticks);
    }
#else
    std::uint64_t ticks() const noexcept { return *reinterpret_cast<volatile std::uint64_t*>(mtime_); }
    void set_compare(std::uint64_t ticks) noexcept { *reinterpret_cast<volatile std::uint64_t*>(mtimecmp_) = ticks; }
#endif

    const std::uintptr_t mtime_;
    const std::uintptr_t mtimecmp_;
    const std::uint64_t nanoseconds_per_tick_; // in 1/2^32
    const std::uint64_t ticks_per_nanosecond_; // in 1/2^32
};

/// Lets a loop sleep on a RISC-V hart. `Timer` has the functions of MachineTimer.
///
/// For the loop on its hart; wake() may be called from any interrupt handler, and with ROUSE_CORES > 1 from other
/// harts. The loop calls now() at any time, and the other two with interrupts masked: interrupt_at() has to cause an
/// interrupt that is enabled in mie, even if the deadline has passed meanwhile, and possibly early; no_interrupt()
/// follows when the sleep is over. No wake is lost, and each is counted once.
///
/// The loop must run with mstatus.MIE on, and with those interrupts enabled in mie that the program has handlers for.
/// The port uses bit 7 of mie (machine timer), and with ROUSE_CORES > 1 also bit 3 (software interrupt).
template <class Timer = MachineTimer>
class RiscvPort final : public Port {
public:
#if ROUSE_CORES > 1
    /// `timer` must outlive the port. `msip` is the address of the software interrupt register of the loop's hart.
    constexpr RiscvPort(Timer& timer, std::uintptr_t msip) noexcept : timer_{timer}, msip_{msip} {}
#else
    /// `timer` must outlive the port.
    constexpr explicit RiscvPort(Timer& timer) noexcept : timer_{timer} {}
#endif
    ~RiscvPort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return timer_.now(); }

    unsigned wait_until(TimePoint deadline) noexcept override {
        while (deadline != at_once && wakes_.load(std::memory_order_relaxed) == 0 && before(deadline)) sleep(deadline);
        return wakes_.exchange(0, std::memory_order_acquire);
    }

    void wake() noexcept override {
#if ROUSE_CORES > 1
        const std::uintptr_t msip = msip_; // read first: once the wake is counted, the port may be destroyed
#endif
        wakes_.fetch_add(1, std::memory_order_release);
#if ROUSE_CORES > 1
        asm volatile("fence iorw, iorw" ::
                         : "memory"); // the count before the interrupt; pairs with the fence in sleep()
        software_interrupt(msip) = 1;
#endif
    }

private:
    // Compares counts, as the operators of chrono become calls at -Os. Without a deadline it does not read the time.
    [[nodiscard]] bool before(TimePoint deadline) const noexcept {
        return deadline == no_deadline || timer_.now().time_since_epoch().count() < deadline.time_since_epoch().count();
    }

    void sleep(TimePoint deadline) noexcept {
        const detail::InterruptsMasked masked;
        if (deadline != no_deadline) timer_.interrupt_at(deadline);
#if ROUSE_CORES > 1
        software_interrupt(msip_) = 0;
        asm volatile("fence iorw, iorw\n csrs mie, 8" ::: "memory"); // lowered before the check
        if (wakes_.load(std::memory_order_relaxed) == 0) asm volatile("wfi" ::: "memory");
        asm volatile("csrc mie, 8" ::: "memory");
#else
        if (wakes_.load(std::memory_order_relaxed) == 0) asm volatile("wfi" ::: "memory");
#endif
        if (deadline != no_deadline) timer_.no_interrupt();
    }

#if ROUSE_CORES > 1
    static volatile std::uint32_t& software_interrupt(std::uintptr_t msip) noexcept {
        return *reinterpret_cast<volatile std::uint32_t*>(msip);
    }
#endif

    Timer& timer_;
#if ROUSE_CORES > 1
    const std::uintptr_t msip_;
#endif
    detail::Atomic<unsigned> wakes_{0}; // incremented by wake() (release), taken by the loop (acquire)
};

} // namespace ROUSE_ABI
} // namespace rouse
