// run_task: a loop on the board. Arm's have SysTick for its clock, and RISC-V the machine timer.
#pragma once

#include <utility>

#include "board.hpp"

// What rouse does where an error cannot be thrown: here, it says so and ends the emulator. Before any header of rouse.
#define ROUSE_PANIC(message) (board::print(message, "\n"), board::exit(4))

#include <rouse/rouse.hpp>
#if defined(__riscv)
#include <rouse/ports/riscv.hpp>

#include "riscv/virt.hpp"
#else
#include <rouse/ports/cortex_m.hpp>
#endif

#if defined(__riscv)

/// Runs the task, and all that it creates, on a loop; returns its result.
inline int run_task(rouse::Task<int> task) {
    rouse::MachineTimer clock{board::mtime, board::mtimecmp, board::mtime_hertz};
    rouse::RiscvPort port{clock};
    rouse::Loop loop{port};
    return loop.run(std::move(task));
}

#else

static rouse::SysTickClock* systick = nullptr;

extern "C" void tick_interrupt() { systick->tick(); }

/// Runs the task, and all that it creates, on a loop; returns its result.
inline int run_task(rouse::Task<int> task) {
    rouse::SysTickClock clock{board::clock_hertz};
    systick = &clock;
    rouse::CortexMPort port{clock};
    rouse::Loop loop{port};
    return loop.run(std::move(task));
}

#endif
