// QEMU's board "virt", of 32 or 64 bits. The machine timer belongs to rouse's port; board.hpp's timer is the alarm of
// the real-time clock, which counts nanoseconds and comes in through the interrupt controller (the PLIC). Run with
// -rtc clock=vm it counts the same time as the processor.
#include "virt.hpp"
#include "../board.hpp"
#include "interrupts.hpp"

namespace board {

#if __riscv_xlen == 32
const char* const name = "virt-rv32";
#else
const char* const name = "virt-rv64";
#endif
const std::uint32_t clock_hertz = mtime_hertz;
const std::uint32_t timer_hertz = 25'000'000;
const CounterKind counter_kind = CounterKind::up_32;

namespace {

constexpr std::uint32_t nanoseconds_per_cycle = 1'000'000'000 / timer_hertz;
constexpr unsigned clock_source = 11; // of the PLIC

struct Clock {
    volatile std::uint32_t time_low, time_high, alarm_low, alarm_high, enable, clear_alarm, alarm_status,
        clear_interrupt;
};
Clock& clock = *reinterpret_cast<Clock*>(0x101000);
std::uint64_t nanoseconds = 0;
bool again_and_again = false;

volatile std::uint32_t& plic(std::uintptr_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(0xc000000 + offset);
}

// Of two halves: reading the low one keeps the high one.
std::uint64_t clock_now() {
    std::uintptr_t before;
    asm volatile("csrrci %0, mstatus, 8" : "=r"(before)::"memory");
    const std::uint32_t low = clock.time_low;
    const std::uint32_t high = clock.time_high;
    asm volatile("csrs mstatus, %0" ::"r"(before & 8) : "memory");
    return (std::uint64_t{high} << 32) | low;
}

std::uint64_t alarm = 0; // when it is, or was

void set_alarm(std::uint64_t at) {
    alarm = at;
    clock.alarm_high = static_cast<std::uint32_t>(at >> 32);
    clock.alarm_low = static_cast<std::uint32_t>(at); // sets it
}

std::uint32_t counter_cycles() { return static_cast<std::uint32_t>(clock_now() / nanoseconds_per_cycle); }
std::uint32_t counter_offset = 0;

} // namespace

void start_timer(std::uint32_t cycles, bool again) {
    stop_timer();
    plic(4 * clock_source) = 1;        // its priority
    plic(0x2000) = 1U << clock_source; // let it through to the first hart
    plic(0x200000) = 0;                // whatever its priority
    nanoseconds = std::uint64_t{cycles} * nanoseconds_per_cycle;
    again_and_again = again;
    clock.enable = 1;
    set_alarm(clock_now() + nanoseconds);
}

void stop_timer() {
    clock.enable = 0;
    clock.clear_alarm = 1;
    clock.clear_interrupt = 1;
}

bool acknowledge_timer() {
    const std::uint32_t source = plic(0x200004);
    if (source == clock_source) {
        clock.clear_interrupt = 1;
        if (again_and_again) { // from the last one, if we are not behind
            const std::uint64_t next = alarm + nanoseconds, now = clock_now();
            set_alarm(next > now ? next : now + nanoseconds);
        }
    }
    plic(0x200004) = source;
    return source == clock_source;
}

void start_counter(std::uint32_t from) { counter_offset = from - counter_cycles(); }

std::uint32_t counter_now() { return counter_cycles() + counter_offset; }

} // namespace board
