// Arm's MPS2 board with a Cortex-M33 (mps2-an505): its vectors. The devices are in mps2.cpp.
#include "../board.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 34] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the timer's is the fourth, the UART's are the last two.
    nullptr, nullptr, nullptr, board_timer, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, uart_interrupt, uart_interrupt};

const char* const board::name = "mps2-an505";
