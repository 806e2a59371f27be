// What the firmware programs have in common; to be included first. A program that ends with 0 has found everything
// right, and has printed a line about what it covered.
#pragma once

#include <cstdint>

#include "board.hpp"

namespace test {

[[noreturn]] inline void fail(const char* what) {
    board::print("FAILED: ", what, "\n");
    board::exit(1);
}

inline void check(bool right, const char* what) {
    if (!right) fail(what);
}

} // namespace test

#define ROUSE_PANIC(message) test::fail(message)
#include <rouse/ports/cortex_m.hpp>
#include <rouse/rouse.hpp>

extern "C" const char __code_begin[], __code_end[]; // of the linker script

namespace test {

using namespace std::chrono_literals;
using rouse::Task;

/// The addresses at which interrupts came, each counted once: a bit for each two bytes of the program.
class InterruptedAt {
public:
    /// In the interrupt.
    void note() {
        const std::uintptr_t half_words = (board::interrupted_at - reinterpret_cast<std::uintptr_t>(__code_begin)) / 2;
        check(half_words / 32 < sizeof seen_ / sizeof seen_[0], "the program is too long for the table of addresses");
        std::uint32_t& word = seen_[half_words / 32];
        const std::uint32_t bit = std::uint32_t{1} << half_words % 32;
        if ((word & bit) == 0) ++distinct_;
        word |= bit;
    }

    [[nodiscard]] std::uint32_t distinct() const { return distinct_; }

private:
    std::uint32_t seen_[1024] = {}; // 64 kB of code
    std::uint32_t distinct_ = 0;
};

/// For a program in which nothing waits for a time.
struct NoClock {
    [[nodiscard]] rouse::TimePoint now() const noexcept { return rouse::TimePoint{}; }
    void interrupt_at(rouse::TimePoint) noexcept {}
};

/// SysTick by itself: counts the processor's cycles, down from a number of at most 2^24, and then interrupts.
class Stopwatch {
public:
    static void start(std::uint32_t cycles) {
        at(0xe000e010) = 0;
        at(0xe000e014) = cycles - 1;
        at(0xe000e018) = 0;
        at(0xe000e010) = 7;
    }
    static void stop() { at(0xe000e010) = 0; }
    static std::uint32_t left() { return at(0xe000e018); }

private:
    static volatile std::uint32_t& at(std::uintptr_t address) {
        return *reinterpret_cast<volatile std::uint32_t*>(address);
    }
};

/// Runs main_task on a loop of its own, to its end.
template <class Timer>
void run(Timer& timer, Task<> main_task) {
    rouse::CortexMPort<Timer> port{timer};
    rouse::Loop loop{port};
    loop.run(std::move(main_task));
}

} // namespace test
