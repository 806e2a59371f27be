// From reset to main() on a RISC-V hart in machine mode: the stack, the memory, the constructors, the trap handler.
#include <cstdint>

#include "../board.hpp"
#include "../second_core.hpp"
#include "interrupts.hpp"
#include "virt.hpp"

extern "C" {

int call_main() asm("main"); // as C++ does not let one call it by its name

extern std::uint32_t __bss_begin, __bss_end;
using Constructor = void (*)();
extern const Constructor __constructors_begin[], __constructors_end[];

void (*volatile second_function)() = nullptr;

[[gnu::weak]] void timer_interrupt() {}
[[gnu::weak]] void tick_interrupt() {}

// Every hart begins here.
[[noreturn, gnu::naked, gnu::section(".start"), gnu::used]] void start() {
    asm volatile(
        "csrr a0, mhartid\n"
        "bnez a0, 1f\n"
        "la sp, __stack_end\n"
        "tail start_first\n"
        "1: la sp, __second_stack_end\n"
        "tail start_second");
}

[[gnu::interrupt("machine"), gnu::aligned(4)]] void trap() {
    std::uintptr_t cause, address;
    asm volatile("csrr %0, mcause\n csrr %1, mepc" : "=r"(cause), "=r"(address));
    if (cause == board::external_interrupt) {
        if (!board::acknowledge_timer()) return;
        board::interrupted_at = address;
        timer_interrupt();
    } else if (cause == board::machine_timer_interrupt) { // of a program that uses it without rouse's port
        asm volatile("csrc mie, %0" ::"r"(1U << 7));
        tick_interrupt();
    } else {
        board::stop_at_fault(address);
    }
}

[[noreturn, gnu::used]] void start_first() {
    for (std::uint32_t* to = &__bss_begin; to != &__bss_end; ++to) *to = 0;
    asm volatile("csrw mtvec, %0\n csrs mie, %1\n csrs mstatus, 8" ::"r"(&trap), "r"(1U << 11) : "memory");
    for (const Constructor* each = __constructors_begin; each != __constructors_end; ++each) (*each)();
    board::exit(call_main());
}

// Waits, by its software interrupt, until there is a function for it.
[[noreturn, gnu::used]] void start_second() {
    asm volatile("csrw mtvec, %0\n csrwi mie, 8" ::"r"(&trap));
    while (second_function == nullptr) asm volatile("wfi" ::: "memory");
    asm volatile("fence rw, rw" ::: "memory");
    second_function();
    __builtin_trap();
}

} // extern "C"

namespace board {

volatile std::uintptr_t interrupted_at = 0;

namespace {

// Semihosting: three instructions that the emulator understands as a call. They must not be compressed, nor lie on two
// pages.
[[gnu::naked, gnu::noinline]] void call_host(std::uintptr_t, const void*) {
    asm volatile(
        ".option push\n"
        ".option norvc\n"
        ".balign 16\n"
        "slli zero, zero, 0x1f\n"
        "ebreak\n"
        "srai zero, zero, 7\n"
        "ret\n"
        ".option pop");
}

} // namespace

void print(const char* text) { call_host(0x04, text); }

void start_second_core(void (*function)()) {
    second_function = function;
    asm volatile("fence iorw, iorw" ::: "memory");
    *reinterpret_cast<volatile std::uint32_t*>(msip + 4) = 1; // of the second hart
}

void exit(int status) {
    const std::uintptr_t block[2] = {0x20026, static_cast<std::uintptr_t>(status)};
    call_host(0x20, block);
    for (;;) {
    }
}

} // namespace board
