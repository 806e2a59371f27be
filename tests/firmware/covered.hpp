// What the firmware programs of all boards have in common; to be included before any header of rouse.
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

extern "C" const char __code_begin[], __code_end[]; // of the linker script

namespace test {

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

} // namespace test
