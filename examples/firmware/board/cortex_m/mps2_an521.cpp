// Arm's MPS2 board with two Cortex-M33 (mps2-an521): its vectors, and the start of the second core. The devices, whose
// interrupts go to the first core, are in mps2.cpp.
#include "../board.hpp"
#include "../second_core.hpp"
#include "interrupts.hpp"

extern "C" [[gnu::section(".vectors"), gnu::used]] const board::Vector vectors[16 + 4] = {
    &__stack_end, reset, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault, nullptr, nullptr,
    nullptr, nullptr, nullptr, nullptr, nullptr, tick_interrupt,
    // The board's own interrupts.
    nullptr, nullptr, nullptr, board_timer};

namespace board {

const char* const name = "mps2-an521";

namespace {

volatile std::uint32_t& at(std::uintptr_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }

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

void start_second_core(void (*function)()) {
    second_function = function;
    asm volatile("dsb" ::: "memory");
    at(0x50021114) = reinterpret_cast<std::uintptr_t>(&second_vectors); // INITSVTOR1
    at(0x50021118) = at(0x50021118) & ~2U;                              // CPUWAIT
}

} // namespace board
