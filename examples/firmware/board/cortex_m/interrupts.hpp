// Between startup.cpp and the file of a board.
#pragma once

extern "C" {
void __stack_end(); // an address, of the linker script; not a function
[[noreturn]] void reset();
void hard_fault();
void board_timer();
}

namespace board {

/// An entry of the vector table.
using Vector = void (*)();

/// Takes back the timer's interrupt request.
void acknowledge_timer();

} // namespace board
