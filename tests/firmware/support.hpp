// What the firmware programs have in common; to be included first. A program that ends with 0 has found everything
// right, and has printed a line about what it covered.
#pragma once

#include <cstdint>

#include "covered.hpp"

#include <rouse/ports/cortex_m.hpp>
#include <rouse/rouse.hpp>

namespace test {

using namespace std::chrono_literals;
using rouse::Task;

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
