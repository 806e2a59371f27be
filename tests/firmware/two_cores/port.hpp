// The port of the board that a two-core test is built for, on the first core; how often it has slept, and whether it
// sleeps or is just about to, which the second core may ask.
#pragma once

#include "board.hpp"
#include "second_core.hpp"

#if defined(__riscv)
#include <rouse/ports/riscv.hpp>

#include "riscv/virt.hpp"
#else
#include <rouse/ports/cortex_m.hpp>
#endif

namespace test {

#if defined(__riscv)
inline rouse::MachineTimer timer{board::mtime, board::mtimecmp, board::mtime_hertz};
inline rouse::RiscvPort<> port{timer, board::msip};
#else
inline rouse::SysTickClock timer{board::clock_hertz};
inline rouse::CortexMPort<> port{timer};
extern "C" inline void tick_interrupt() { timer.tick(); }
#endif

class CountingPort final : public rouse::Port {
public:
    [[nodiscard]] rouse::TimePoint now() const noexcept override { return port.now(); }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        if (deadline == rouse::at_once) return port.wait_until(deadline);
        ++sleeps;
        asleep.store(sleeps, std::memory_order_relaxed);
        const unsigned woken = port.wait_until(deadline);
        asleep.store(0, std::memory_order_relaxed);
        return woken;
    }
    void wake() noexcept override {
        wakes.fetch_add(1, std::memory_order_relaxed);
        port.wake();
    }

    std::uint32_t sleeps = 0;
    std::atomic<std::uint32_t> asleep{0}; // the number of the sleep
    std::atomic<std::uint32_t> wakes{0};
};

} // namespace test
