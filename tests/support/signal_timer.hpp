// A POSIX timer whose signal stands for an interrupt.
#pragma once

#include <csignal>
#include <ctime>

namespace test {

/// While it lives, `handler` is called as the handler of SIGALRM, once, `after` nanoseconds from each arm().
class SignalTimer {
public:
    explicit SignalTimer(void (*handler)(int)) {
        struct sigaction action{};
        action.sa_handler = handler;
        sigaction(SIGALRM, &action, &before_);
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = SIGALRM;
        timer_create(CLOCK_MONOTONIC, &event, &timer_);
    }
    ~SignalTimer() {
        timer_delete(timer_);
        sigaction(SIGALRM, &before_, nullptr);
    }
    SignalTimer(const SignalTimer&) = delete;
    SignalTimer& operator=(const SignalTimer&) = delete;

    void arm(long nanoseconds) {
        itimerspec time{};
        time.it_value.tv_nsec = nanoseconds;
        timer_settime(timer_, 0, &time, nullptr);
    }

private:
    struct sigaction before_{};
    timer_t timer_{};
};

} // namespace test
