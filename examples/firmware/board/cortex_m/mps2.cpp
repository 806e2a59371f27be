// Arm's MPS2 boards with a Cortex-M3 (mps2-an385) or a Cortex-M4F (mps2-an386): CMSDK timer 0.
#include "../board.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 9] = {
    &__stack_end, reset,
    hard_fault,   hard_fault,
    hard_fault,   hard_fault,
    hard_fault,   nullptr,
    nullptr,      nullptr,
    nullptr,      nullptr,
    nullptr,      nullptr,
    nullptr,      tick_interrupt,
    // The board's own interrupts; the timer's is the ninth.
    nullptr,      nullptr,
    nullptr,      nullptr,
    nullptr,      nullptr,
    nullptr,      nullptr,
    board_timer,
};

namespace board {

#if defined(__ARM_FP)
const char* const name = "mps2-an386";
#else
const char* const name = "mps2-an385";
#endif
const std::uint32_t clock_hertz = 25'000'000;
const std::uint32_t timer_hertz = 25'000'000;

namespace {

struct Timer {
    volatile std::uint32_t control, value, reload, interrupt;
};
Timer& timer = *reinterpret_cast<Timer*>(0x40000000);
bool once = false;

} // namespace

void start_timer(std::uint32_t cycles, bool again) {
    *reinterpret_cast<volatile std::uint32_t*>(0xe000e100) = 1U << 8; // let interrupt 8 through
    once = !again;
    timer.control = 0;
    timer.reload = cycles;
    timer.value = cycles;
    timer.control = 9; // on, with its interrupt
}

void stop_timer() { timer.control = 0; }

void acknowledge_timer() {
    if (once) timer.control = 0;
    timer.interrupt = 1;
}

} // namespace board
