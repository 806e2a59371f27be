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

/// A Cortex-M33 asks the monitor that several cores share for its LDREX and STREX only if the memory is marked as
/// shareable, or this is set (EXTEXCLALL): without it a read-modify-write is atomic on one core only. The emulator does
/// not need it.
inline void share_exclusive_accesses() {
#if defined(__ARM_ARCH_8M_MAIN__)
    auto& auxiliary_control = *reinterpret_cast<volatile unsigned*>(0xe000e008);
    auxiliary_control = auxiliary_control | 1U << 29;
#endif
}

} // namespace board
