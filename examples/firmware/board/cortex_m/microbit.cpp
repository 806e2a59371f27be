// The BBC micro:bit, a Cortex-M0 (nRF51822): TIMER0 and TIMER1, which count up and compare.
#include "../board.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 9] = {
    &__stack_end, reset, hard_fault, hard_fault, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the timer's is the ninth.
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, board_timer};

namespace board {

const char* const name = "microbit";
const std::uint32_t clock_hertz = 16'000'000;
const std::uint32_t timer_hertz = 16'000'000;
const CounterKind counter_kind = CounterKind::up_32;

namespace {

volatile std::uint32_t& at(std::uintptr_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }

struct Timer {
    std::uintptr_t base;

    volatile std::uint32_t& start() const { return at(base); }
    volatile std::uint32_t& stop() const { return at(base + 0x004); }
    volatile std::uint32_t& clear() const { return at(base + 0x00c); }
    volatile std::uint32_t& capture() const { return at(base + 0x044); } // into compare(1)
    volatile std::uint32_t& reached() const { return at(base + 0x140); } // compare(0)
    volatile std::uint32_t& shortcuts() const { return at(base + 0x200); }
    volatile std::uint32_t& enable_interrupts() const { return at(base + 0x304); }
    volatile std::uint32_t& width() const { return at(base + 0x508); }
    volatile std::uint32_t& prescaler() const { return at(base + 0x510); }
    volatile std::uint32_t& compare(unsigned which) const { return at(base + 0x540 + 4 * which); }
};
constexpr Timer timer{0x40008000};
constexpr Timer counter{0x40009000};
std::uint32_t counter_from = 0;

} // namespace

void set_up() { enable_interrupt(8); }

void start_timer(std::uint32_t cycles, bool again) {
    timer.stop() = 1;
    timer.clear() = 1;
    timer.reached() = 0;
    timer.width() = 3; // 32 bits
    timer.prescaler() = 0;
    timer.compare(0) = cycles;
    timer.shortcuts() = again ? 1 : 0x101; // clear, or clear and stop, when it is reached
    timer.enable_interrupts() = 1U << 16;
    timer.start() = 1;
}

void stop_timer() {
    timer.stop() = 1;
    timer.reached() = 0;
}

void acknowledge_timer() { timer.reached() = 0; }

// The counter itself starts at zero only: the rest is added here.
void start_counter(std::uint32_t from) {
    counter_from = from;
    counter.stop() = 1;
    counter.clear() = 1;
    counter.width() = 3;
    counter.prescaler() = 0;
    counter.start() = 1;
}

std::uint32_t counter_now() {
    counter.capture() = 1;
    return counter.compare(1) + counter_from;
}

} // namespace board
