// From reset to main() on a Cortex-M: the vector table, the memory, the constructors; and what every board has in
// common. A board's own file names its interrupts (see mps2.cpp).
#include <cstdint>

#include "../board.hpp"
#include "interrupts.hpp"

extern "C" {

int call_main() asm("main"); // as C++ does not let one call it by its name

extern std::uint32_t __data_load, __data_begin, __data_end, __bss_begin, __bss_end;
using Constructor = void (*)();
extern const Constructor __constructors_begin[], __constructors_end[];

[[gnu::weak]] void timer_interrupt() {}
[[gnu::weak]] void tick_interrupt() {}

[[noreturn]] void reset() {
    for (std::uint32_t *to = &__data_begin, *from = &__data_load; to != &__data_end; ++to, ++from) *to = *from;
    for (std::uint32_t* to = &__bss_begin; to != &__bss_end; ++to) *to = 0;
#if defined(__ARM_FP)
    *reinterpret_cast<volatile std::uint32_t*>(0xe000ed88) = 0xfU << 20; // full access to the FPU
    asm volatile("dsb\n isb");
#endif
    board::set_up();
    for (const Constructor* each = __constructors_begin; each != __constructors_end; ++each) (*each)();
    board::exit(call_main());
}

[[noreturn]] void hard_fault_at(std::uintptr_t address) { board::stop_at_fault(address); }

// The exception frame is on the stack; the return address is its seventh word.
[[gnu::naked]] void hard_fault() { asm volatile("ldr r0, [sp, #24]\n ldr r1, =hard_fault_at\n bx r1"); }

void board_timer_at(std::uintptr_t address) {
    board::acknowledge_timer();
    board::interrupted_at = address;
    timer_interrupt();
}
[[gnu::naked]] void board_timer() { asm volatile("ldr r0, [sp, #24]\n ldr r1, =board_timer_at\n bx r1"); }

} // extern "C"

namespace board {

volatile std::uintptr_t interrupted_at = 0;

void enable_interrupt(unsigned which) {
    *reinterpret_cast<volatile std::uint32_t*>(0xe000e100 + 4 * (which / 32)) = 1U << which % 32;
}

namespace {

// Semihosting: a breakpoint that the emulator understands as a call.
std::uint32_t call_host(std::uint32_t what, const void* argument) {
    register std::uint32_t r0 asm("r0") = what;
    register const void* r1 asm("r1") = argument;
    asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

} // namespace

void print(const char* text) { call_host(0x04, text); }

void exit(int status) {
    const std::uint32_t block[2] = {0x20026, static_cast<std::uint32_t>(status)};
    call_host(0x20, block);
    for (;;) {
    }
}

} // namespace board
