// TI's LM3S6965 evaluation board, a Cortex-M3: general-purpose timer 0.
#include "../board.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 20] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the timer's is the twentieth.
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, board_timer};

namespace board {

const char* const name = "lm3s6965evb";
const std::uint32_t clock_hertz = 50'000'000;
const std::uint32_t timer_hertz = 50'000'000;
const CounterKind counter_kind = CounterKind::systick_24;

namespace {

volatile std::uint32_t& at(std::uintptr_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }

constexpr std::uintptr_t clock_configuration = 0x400fe060;
constexpr std::uintptr_t clock_gates = 0x400fe104;

constexpr std::uintptr_t timer = 0x40030000;
constexpr std::uintptr_t width = timer;
constexpr std::uintptr_t mode = timer + 0x04;
constexpr std::uintptr_t control = timer + 0x0c;
constexpr std::uintptr_t interrupt_mask = timer + 0x18;
constexpr std::uintptr_t interrupt_clear = timer + 0x24;
constexpr std::uintptr_t load = timer + 0x28;

constexpr std::uintptr_t systick_control = 0xe000e010;
constexpr std::uintptr_t systick_reload = 0xe000e014;
constexpr std::uintptr_t systick_value = 0xe000e018;

} // namespace

void set_up() {
    // The 200 MHz of the PLL, divided by 4; from the board's crystal of 8 MHz.
    at(clock_configuration) = (3U << 23) | (1U << 22) | (0xeU << 6);
    at(clock_gates) = at(clock_gates) | (1U << 16);
    enable_interrupt(19);
}

void start_timer(std::uint32_t cycles, bool again) {
    at(control) = 0;
    at(width) = 0; // 32 bits
    at(mode) = again ? 2 : 1;
    at(load) = cycles;
    at(interrupt_mask) = 1;
    at(control) = 1;
}

void stop_timer() { at(control) = 0; }

void acknowledge_timer() { at(interrupt_clear) = 1; }

// SysTick counts from its reload value only.
void start_counter(std::uint32_t) {
    at(systick_reload) = 0xff'ffff;
    at(systick_value) = 0;
    at(systick_control) = 5; // the processor's clock, no interrupt
}

std::uint32_t counter_now() { return at(systick_value); }

} // namespace board
