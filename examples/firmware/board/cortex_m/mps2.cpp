// The devices of Arm's MPS2 boards: CMSDK timers 0 and 1, UART 0. What differs between the boards (their names and
// vectors) is in mps2_an*.cpp.
#include "../board.hpp"
#include "cmsdk_timer.hpp"
#include "cmsdk_uart.hpp"
#include "interrupts.hpp"

namespace board {

namespace {

#if defined(__ARM_ARCH_8M_MAIN__) // the boards with a Cortex-M33, on its secure side
constexpr std::uint32_t hertz = 20'000'000;
constexpr std::uintptr_t devices = 0x50000000, first_uart = 0x50200000;
constexpr unsigned timer_interrupt_number = 3, uart_interrupts = 32;
#else
constexpr std::uint32_t hertz = 25'000'000;
constexpr std::uintptr_t devices = 0x40000000, first_uart = 0x40004000;
constexpr unsigned timer_interrupt_number = 8, uart_interrupts = 0;
#endif

CmsdkTimer& timer = *reinterpret_cast<CmsdkTimer*>(devices);
CmsdkTimer& counter = *reinterpret_cast<CmsdkTimer*>(devices + 0x1000);
CmsdkUart& uart = *reinterpret_cast<CmsdkUart*>(first_uart);
bool once = false;

} // namespace

const std::uint32_t clock_hertz = hertz;
const std::uint32_t timer_hertz = hertz;
const CounterKind counter_kind = CounterKind::down_32;

void set_up() {
    share_exclusive_accesses();
    enable_interrupt(timer_interrupt_number);
}

void start_timer(std::uint32_t cycles, bool again) {
    once = !again;
    timer.start(cycles, again ? cycles : 0xffff'ffff, true);
}

void stop_timer() { timer.control = 0; }

void acknowledge_timer() {
    if (once) timer.control = 0;
    timer.interrupt = 1;
}

void start_counter(std::uint32_t from) { counter.start(from, 0xffff'ffff, false); }

std::uint32_t counter_now() { return counter.value; }

void start_uart() {
    enable_interrupt(uart_interrupts);
    enable_interrupt(uart_interrupts + 1);
    uart.start();
}
void send_to_uart(char byte) { uart.send(byte); }
bool uart_has_byte() { return uart.has_byte(); }
char take_from_uart() { return uart.take(); }
bool uart_has_sent() { return uart.sent(); }

} // namespace board
