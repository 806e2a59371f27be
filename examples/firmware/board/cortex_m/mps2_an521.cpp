// Arm's MPS2 board with two Cortex-M33 (mps2-an521), on its secure side: CMSDK timers 0 and 1, whose interrupts go to
// the first core; and the start of the second core.
#include "../board.hpp"
#include "../second_core.hpp"
#include "cmsdk_timer.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 4] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts.
    nullptr, nullptr, nullptr, board_timer};

namespace board {

const char* const name = "mps2-an521";
const std::uint32_t clock_hertz = 20'000'000;
const std::uint32_t timer_hertz = 20'000'000;
const CounterKind counter_kind = CounterKind::down_32;

namespace {

CmsdkTimer& timer = *reinterpret_cast<CmsdkTimer*>(0x50000000);
CmsdkTimer& counter = *reinterpret_cast<CmsdkTimer*>(0x50001000);
bool once = false;

volatile std::uint32_t& at(std::uintptr_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }

// A Cortex-M33 asks the monitor that the cores share for its LDREX and STREX only if the memory is marked as shareable,
// or this is set (EXTEXCLALL). Without it a read-modify-write is atomic on one core only. The emulator does not need
// it.
void share_exclusive_accesses() { at(0xe000e008) = at(0xe000e008) | 1U << 29; }

alignas(8) char second_stack[4096];
void (*second_function)() = nullptr;

[[noreturn]] void second_reset() {
    share_exclusive_accesses();
    second_function();
    __builtin_trap();
}

struct SecondVectors {
    char* stack_end;
    Vector handlers[15];
};
alignas(128) const SecondVectors second_vectors = {
    second_stack + sizeof second_stack,
    {second_reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault}};

} // namespace

void set_up() {
    share_exclusive_accesses();
    enable_interrupt(3);
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

void start_second_core(void (*function)()) {
    second_function = function;
    asm volatile("dsb" ::: "memory");
    at(0x50021114) = reinterpret_cast<std::uintptr_t>(&second_vectors); // INITSVTOR1
    at(0x50021118) = at(0x50021118) & ~2U;                              // CPUWAIT
}

} // namespace board
