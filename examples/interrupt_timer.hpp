// InterruptTimer: a POSIX timer whose signal stands for a hardware interrupt, and its handler for the ISR.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

namespace example {

/// While it lives, `handler` runs every `period_ns` nanoseconds, between any two instructions of the program.
class InterruptTimer {
public:
    InterruptTimer(void (*handler)(int), long period_ns) {
        struct sigaction action{};
        action.sa_handler = handler;
        action.sa_flags = SA_RESTART; // or a print that it interrupts fails
        ::sigaction(SIGALRM, &action, nullptr);
        const itimerspec period{{0, period_ns}, {0, period_ns}};
        if (::timer_create(CLOCK_MONOTONIC, nullptr, &timer_) != 0 ||
            ::timer_settime(timer_, 0, &period, nullptr) != 0) {
            throw std::system_error{errno, std::system_category(), "cannot start a timer"};
        }
    }
    ~InterruptTimer() { ::timer_delete(timer_); }
    InterruptTimer(const InterruptTimer&) = delete;
    InterruptTimer& operator=(const InterruptTimer&) = delete;

private:
    timer_t timer_{};
};

} // namespace example
