// What the measured programs have in common: the port of their board, and a loop that is never destroyed.
#pragma once

#include <rouse/ports/cortex_m.hpp>
#include <rouse/rouse.hpp>

#include "board.hpp"

using namespace std::chrono_literals;

static rouse::SysTickClock ticks{25'000'000};
static constinit rouse::CortexMPort<> port{ticks};
static rouse::Loop loop{port};
static volatile int sink = 0;

static constinit rouse::ThreadSafeFlag flag;

extern "C" void tick_interrupt() { ticks.tick(); }

/// The task that all of them have; a program adds what it is to measure.
[[maybe_unused]] static rouse::Task<> first_task() {
    for (;;) {
        co_await flag.wait();
        sink = sink + 1;
    }
}
