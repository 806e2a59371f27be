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

/// The same, for a fault of the processor: says at which instruction.
[[noreturn]] void stop_at_fault(std::uintptr_t address);

/// The hardware timer: calls timer_interrupt() from its interrupt in `cycles` of its clock (timer_hertz), once or again
/// and again.
extern const std::uint32_t timer_hertz;
void start_timer(std::uint32_t cycles, bool again);
void stop_timer();

/// A second hardware timer, which only counts, by timer_hertz, and wraps; `from` some value where it can be set. The
/// one named systick is SysTick, and is not to be used together with it.
enum class CounterKind { down_32, up_32, systick_24 };
extern const CounterKind counter_kind;
void start_counter(std::uint32_t from);
std::uint32_t counter_now();

/// The UART. It calls uart_interrupt() when a byte has come, and when one has been sent; not before the first one. Not
/// on every board: see `has` in board.conf.
void start_uart();
void send_to_uart(char byte); // when there is none on its way
/// In uart_interrupt: is there a byte to be taken? Has one been sent, since it was last asked?
bool uart_has_byte();
char take_from_uart();
bool uart_has_sent();

/// In an interrupt of the timer: the address of the instruction before which it came.
extern volatile std::uintptr_t interrupted_at;

} // namespace board

/// The program's handlers; those that it does not define do nothing.
extern "C" {
void timer_interrupt();
void tick_interrupt(); // SysTick's
void uart_interrupt();
}
