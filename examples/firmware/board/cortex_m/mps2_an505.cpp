// Arm's MPS2 board with a Cortex-M33 (mps2-an505), on its secure side: CMSDK timers 0 and 1, UART 0.
#include "../board.hpp"
#include "cmsdk_timer.hpp"
#include "cmsdk_uart.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 34] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts; the timer's is the fourth, the UART's are the last two.
    nullptr, nullptr, nullptr, board_timer, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, uart_interrupt, uart_interrupt};

namespace board {

const char* const name = "mps2-an505";
const std::uint32_t clock_hertz = 20'000'000;
const std::uint32_t timer_hertz = 20'000'000;
const CounterKind counter_kind = CounterKind::down_32;

namespace {

CmsdkTimer& timer = *reinterpret_cast<CmsdkTimer*>(0x50000000);
CmsdkTimer& counter = *reinterpret_cast<CmsdkTimer*>(0x50001000);
CmsdkUart& uart = *reinterpret_cast<CmsdkUart*>(0x50200000);
bool once = false;

} // namespace

void set_up() { enable_interrupt(3); }

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
    enable_interrupt(32);
    enable_interrupt(33);
    uart.start();
}
void send_to_uart(char byte) { uart.send(byte); }
bool uart_has_byte() { return uart.has_byte(); }
char take_from_uart() { return uart.take(); }
bool uart_has_sent() { return uart.sent(); }

} // namespace board
