// What the two-core tests share: how a part says that it has failed, how the second core waits, and how a part is run.
#pragma once

#include <atomic>
#include <cstdint>

#include <rouse/rouse.hpp>

#include "port.hpp"

#if !defined(ITEMS)
#define ITEMS 1'000'000
#endif

namespace test {

inline constexpr std::uint32_t items = ITEMS;

inline CountingPort counting_port;

[[noreturn]] inline void fail(const char* what, std::uint32_t number, std::uint32_t found) {
    board::print("FAILED: ", what, " at ", number, ", found ", found, "\n");
    board::exit(1);
}

/// Some instructions of the second core, a different number each time: so that the loop falls asleep in between, or
/// nearly.
inline void linger(std::uint32_t number) {
    for (std::uint32_t left = number * 2654435761U >> 25; left != 0; --left) asm volatile("");
}

/// How often the second core looks for what must come. So many looks take longer than the machine below, however busy,
/// keeps the first core from running; where a fault is there on purpose, fewer will do.
#if !defined(PATIENCE)
#define PATIENCE 4'000'000'000
#endif
inline constexpr std::uint32_t patience = PATIENCE;

/// Lets the loop fall asleep, which it does when the second core gives and takes nothing: now and then, so that it has
/// to be woken often whichever core the machine below favours. Not at the end, where the loop has nothing to wait for.
inline void await_sleep(std::uint32_t number) {
    if (number % 128 != 127 || items - number < 8) return;
    static std::uint32_t last = 0; // from that one it is roused, though it may not be up yet
    std::uint32_t sleep = 0;
    for (std::uint32_t tries = 0; sleep == 0 || sleep == last;
         sleep = counting_port.asleep.load(std::memory_order_relaxed))
        if (++tries == patience) fail("the loop does not fall asleep", number, last);
    last = sleep;
}

/// The number that the loop has answered last.
inline std::atomic<std::uint32_t> answered{0};

/// On the second core: until the loop has answered that number.
inline void await_answer(std::uint32_t number, const char* what) {
    for (std::uint32_t tries = 0; answered.load(std::memory_order_acquire) != number;)
        if (++tries == patience) fail(what, number, answered.load(std::memory_order_relaxed));
}

/// The second core has done its part.
[[noreturn]] inline void rest() {
    for (;;) {
    }
}

/// Runs `first` on the loop, and `second` beside it; the loop must have been woken often.
inline int run_part(const char* part, rouse::Task<int> (*first)(), void (*second)()) {
    rouse::Loop loop{counting_port};
    board::start_second_core(second);
    const int status = loop.run(first());
    const std::uint32_t wakes = counting_port.wakes.load(std::memory_order_relaxed);
    board::print(board::name, ": ", items, " ", part, "; the loop slept ", counting_port.sleeps,
                 " times and was woken ", wakes, "\n");
    if (wakes < items / 1000) fail("the loop hardly ever had to be woken", items, wakes);
    return status;
}

} // namespace test
