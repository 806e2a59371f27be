// Arm's MPS2 boards with a Cortex-M3 (mps2-an385) or a Cortex-M4F (mps2-an386): CMSDK timers 0 and 1, UART 0.
#include "../board.hpp"
#include "cmsdk_timer.hpp"
#include "cmsdk_uart.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 9] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the UART's are the first two, the timer's is the ninth.
    uart_interrupt, uart_interrupt, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, board_timer};

namespace board {

#if defined(__ARM_FP)
const char* const name = "mps2-an386";
#else
const char* const name = "mps2-an385";
#endif
const std::uint32_t clock_hertz = 25'000'000;
const std::uint32_t timer_hertz = 25'000'000;
const CounterKind counter_kind = CounterKind::down_32;

namespace {

CmsdkTimer& timer = *reinterpret_cast<CmsdkTimer*>(0x40000000);
CmsdkTimer& counter = *reinterpret_cast<CmsdkTimer*>(0x40001000);
CmsdkUart& uart = *reinterpret_cast<CmsdkUart*>(0x40004000);
bool once = false;

} // namespace

void set_up() { enable_interrupt(8); }

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
    enable_interrupt(0);
    enable_interrupt(1);
    uart.start();
}
void send_to_uart(char byte) { uart.send(byte); }
bool uart_has_byte() { return uart.has_byte(); }
char take_from_uart() { return uart.take(); }
bool uart_has_sent() { return uart.sent(); }

} // namespace board
