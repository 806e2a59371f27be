// Between startup.cpp and the file of a board.
#pragma once

#include <cstdint>

namespace board {

/// What mcause says of an interrupt that comes from the interrupt controller, and of the machine timer's.
inline constexpr std::uintptr_t is_interrupt = std::uintptr_t{1} << (__riscv_xlen - 1);
inline constexpr std::uintptr_t external_interrupt = is_interrupt | 11;
inline constexpr std::uintptr_t machine_timer_interrupt = is_interrupt | 7;

/// Takes back the timer's interrupt request; false if there is none.
bool acknowledge_timer();

} // namespace board
