// What the programs of this folder have in common; to be included first.
#pragma once

#include <cstdint>

#include "board.hpp"
#include "riscv/virt.hpp"

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
#include <rouse/ports/riscv.hpp>
#include <rouse/rouse.hpp>

extern "C" const char __code_begin[], __code_end[]; // of the linker script

namespace test {

using namespace std::chrono_literals;

/// The addresses at which the timer's interrupts came, each counted once.
class InterruptedAt {
public:
    /// In the interrupt.
    void note() {
        const std::uintptr_t half_words = (board::interrupted_at - reinterpret_cast<std::uintptr_t>(__code_begin)) / 2;
        check(half_words < sizeof seen_, "the program is too long for the table of addresses");
        if (!seen_[half_words]) ++distinct_;
        seen_[half_words] = true;
    }
    [[nodiscard]] std::uint32_t distinct() const { return distinct_; }

private:
    bool seen_[16384] = {};
    std::uint32_t distinct_ = 0;
};

/// A machine timer that counts how often the port has set it, which it does once for each sleep with a deadline.
class CountingTimer {
public:
    [[nodiscard]] rouse::TimePoint now() const noexcept { return timer_.now(); }
    void interrupt_at(rouse::TimePoint deadline) noexcept {
        ++sleeps;
        timer_.interrupt_at(deadline);
    }
    void no_interrupt() noexcept { timer_.no_interrupt(); }

    std::uint32_t sleeps = 0;

private:
    rouse::MachineTimer timer_{board::mtime, board::mtimecmp, board::mtime_hertz};
};

} // namespace test
