// What the measured programs have in common: the port of their board, and a loop that is never destroyed.
#pragma once

#include <rouse/rouse.hpp>

#include "board.hpp"

#if defined(__riscv)
#include <rouse/ports/riscv.hpp>

#include "riscv/virt.hpp"
#else
#include <rouse/ports/cortex_m.hpp>
#endif

using namespace std::chrono_literals;

#if defined(__riscv)
static rouse::MachineTimer ticks{board::mtime, board::mtimecmp, board::mtime_hertz};
static constinit rouse::RiscvPort<> port{ticks};
#else
static rouse::SysTickClock ticks{25'000'000};
static constinit rouse::CortexMPort<> port{ticks};
extern "C" void tick_interrupt() { ticks.tick(); }
#endif
static rouse::Loop loop{port};
static volatile int sink = 0;

static constinit rouse::ThreadSafeFlag flag;

/// The task that all of them have; a program adds what it is to measure.
[[maybe_unused]] static rouse::Task<> first_task() {
    for (;;) {
        co_await flag.wait();
        sink = sink + 1;
    }
}
