// What a program asks of the board under it: a clock, one hardware timer with an interrupt, a UART, and the emulator's
// console. One of the folders beside this header implements it for each board.
#pragma once

#include <cstdint>

namespace board {

extern const char* const name;

/// Of the processor, and of SysTick.
extern const std::uint32_t clock_hertz;

/// Text to the terminal that the emulator was started from.
void print(const char* text);
void print(std::uint32_t number);
template <class First, class Second, class... Rest>
void print(First first, Second second, Rest... rest) {
    print(first);
    print(second, rest...);
}

/// Ends the emulator, with this status.
[[noreturn]] void exit(int status);

/// The hardware timer: calls timer_interrupt() from its interrupt in `cycles` of its clock (timer_hertz), once or again and
/// again.
extern const std::uint32_t timer_hertz;
void start_timer(std::uint32_t cycles, bool again);
void stop_timer();

/// In an interrupt of the timer: the address of the instruction before which it came.
extern volatile std::uintptr_t interrupted_at;

} // namespace board

/// The program's handlers; those that it does not define do nothing.
extern "C" {
void timer_interrupt();
void tick_interrupt(); // SysTick's
}
