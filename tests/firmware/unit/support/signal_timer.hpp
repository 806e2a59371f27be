// Stands in for tests/support/signal_timer.hpp where there is no operating system: the board's timer, and the handler
// is called from its interrupt.
#pragma once

#include <cstdint>

#include "board.hpp"

namespace test {

namespace runner {
extern void (*on_timer)(int); // called by timer_interrupt()
}

/// While it lives, `handler` is called as the handler of the interrupt, once, about `after` nanoseconds from each
/// arm().
class SignalTimer {
public:
    explicit SignalTimer(void (*handler)(int)) { runner::on_timer = handler; }
    ~SignalTimer() {
        board::stop_timer();
        runner::on_timer = nullptr;
    }
    SignalTimer(const SignalTimer&) = delete;
    SignalTimer& operator=(const SignalTimer&) = delete;

    void arm(long nanoseconds) {
        const std::uint32_t cycles = static_cast<std::uint32_t>(nanoseconds) / 1000 * (board::timer_hertz / 1'000'000);
        board::start_timer(cycles, false);
    }
};

} // namespace test
