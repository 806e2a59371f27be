// What the programs of this folder have in common; to be included first.
#pragma once

#include <cstdint>

#include "../covered.hpp"
#include "riscv/virt.hpp"

#include <rouse/ports/riscv.hpp>
#include <rouse/rouse.hpp>

namespace test {

using namespace std::chrono_literals;

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
