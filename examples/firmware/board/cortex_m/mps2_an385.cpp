// Arm's MPS2 boards with a Cortex-M3 (mps2-an385) or a Cortex-M4F (mps2-an386): their vectors. The devices are in
// mps2.cpp.
#include "../board.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 9] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the UART's are the first two, the timer's is the ninth.
    uart_interrupt, uart_interrupt, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, board_timer};

#if defined(__ARM_FP)
const char* const board::name = "mps2-an386";
#else
const char* const board::name = "mps2-an385";
#endif
