// Runs the test cases of one program on a board; see support/catch.hpp. The last line that it prints is the count.
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "board.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/signal_timer.hpp"

extern "C" std::uint32_t __data_begin, __bss_end, __stack_end;

namespace test::runner {

namespace {

Case* first = nullptr;
Case** last = &first;
const char* running = "no test";

std::uint32_t sections_seen = 0;
std::uint32_t section_to_run = 0;

// What a child must not take back.
struct Kept {
    std::uint32_t cases, checks, failures;
    bool in_child;
    const char* message;
    std::jmp_buf parent;
    char text[256];
    std::byte* stack_from;
    std::byte copy[8U << 20];
};
[[gnu::section(".kept")]] Kept kept;

std::byte* memory_begin() { return reinterpret_cast<std::byte*>(&__data_begin); }
std::size_t memory_bytes() {
    return static_cast<std::size_t>(reinterpret_cast<std::byte*>(&__bss_end) - memory_begin());
}
std::size_t stack_bytes() {
    return static_cast<std::size_t>(reinterpret_cast<std::byte*>(&__stack_end) - kept.stack_from);
}

// Stands on the stack below what it restores.
[[noreturn, gnu::noinline]] void end_child(const char* message) {
    kept.message = nullptr;
    if (message != nullptr) { // a line, as the panic of a program that has a stderr
        std::strncpy(kept.text, message, sizeof kept.text - 2);
        std::strcat(kept.text, "\n");
        kept.message = kept.text;
    }
    std::memcpy(memory_begin(), kept.copy, memory_bytes());
    std::memcpy(kept.stack_from, kept.copy + memory_bytes(), stack_bytes());
    std::longjmp(kept.parent, 1);
}

} // namespace

Case::Case(const char* its_name, Function its_function) noexcept : name{its_name}, function{its_function} {
    *last = this;
    last = &next;
}

bool check(bool passed, const char* expression, const char* file, int line) {
    ++kept.checks;
    if (passed) return true;
    ++kept.failures;
    board::print(file, ":", static_cast<std::uint32_t>(line), ": FAILED: ", expression, "\n  in: ", running, "\n");
    return false;
}

bool section() { return sections_seen++ == section_to_run; }

[[noreturn]] static void end() {
    board::print(kept.cases, " cases, ", kept.checks, " checks, ", kept.failures, " failed\n");
    board::exit(kept.failures == 0 && kept.cases != 0 && kept.checks != 0 ? 0 : 1);
}

[[noreturn]] void give_up() {
    board::print("given up: the cases after this one are not run\n");
    end();
}

[[noreturn]] void panic(const char* message) {
    if (kept.in_child) end_child(message);
    check(false, message, "panic", 0);
    give_up();
}

[[gnu::noinline]] const char* panic_of_child(void (*f)(void*), void* argument) {
    if (kept.in_child) fail("a child has no children", __FILE__, __LINE__);
    if (setjmp(kept.parent) == 0) {
        asm volatile("mov %0, sp" : "=r"(kept.stack_from));
        std::memcpy(kept.copy, memory_begin(), memory_bytes());
        std::memcpy(kept.copy + memory_bytes(), kept.stack_from, stack_bytes());
        kept.in_child = true;
        f(argument);
        end_child(nullptr);
    }
    kept.in_child = false;
    return kept.message;
}

void (*on_timer)(int) = nullptr;

} // namespace test::runner

extern "C" void timer_interrupt() {
    if (test::runner::on_timer != nullptr) test::runner::on_timer(0);
}

// The heap of the tests, for their vectors and strings; what rouse itself does without.
extern "C" void* _sbrk(std::ptrdiff_t bytes) {
    alignas(8) static std::byte memory[1U << 20];
    static std::byte* used = memory;
    if (bytes > memory + sizeof memory - used) return reinterpret_cast<void*>(-1);
    std::byte* const before = used;
    used += bytes;
    return before;
}

int main() {
    using namespace test::runner;
    kept.cases = kept.checks = kept.failures = 0;
    kept.in_child = false;
    kept.text[sizeof kept.text - 2] = '\0';
    for (Case* each = first; each != nullptr; each = each->next) {
        ++kept.cases;
        running = each->name;
        section_to_run = 0;
        do {
            sections_seen = 0;
            each->function();
        } while (++section_to_run < sections_seen);
    }
    end();
}
