// Between startup.cpp and the file of a board.
#pragma once

extern "C" {
void __stack_end(); // an address, of the linker script; not a function
[[noreturn]] void reset();
void hard_fault();
void board_timer();
[[gnu::weak]] void uart_interrupt(); // null in a program without
}

namespace board {

/// An entry of the vector table.
using Vector = void (*)();

/// What the board needs before anything else: its clocks, its interrupts let through.
void set_up();

/// Lets one of the board's own interrupts through.
void enable_interrupt(unsigned which);

/// Takes back the timer's interrupt request.
void acknowledge_timer();

} // namespace board
