// A variable that an interrupt sets, and a task tests and then clears. Here the interrupt comes between the two: the
// device is fast. Its set is lost, and both wait for ever. A ThreadSafeFlag clears itself when the wait returns.
#include <rouse/rouse.hpp>

#include <csignal>
#include <cstdio>

using namespace rouse;
using namespace std::chrono_literals;

static volatile std::sig_atomic_t reading = 0;
static volatile bool ready = false;     // wrong
static constinit ThreadSafeFlag sensor; // right

void on_interrupt(int) {
    reading = reading + 1;
    ready = true;
    sensor.set();
}

// It answers by an interrupt; at once, as it happens.
void start_measuring() { std::raise(SIGALRM); }

Task<> with_a_variable(int& taken) {
    start_measuring();
    for (; taken < 5; ++taken) {
        while (!ready) co_await sleep(1ms);
        start_measuring(); // the next one
        ready = false;     // too late
    }
}

Task<> with_a_flag(int& taken) {
    start_measuring();
    for (; taken < 5; ++taken) {
        co_await sensor.wait();
        start_measuring();
    }
}

Task<> compare() {
    int taken = 0;
    auto outcome = co_await try_wait_for(with_a_variable(taken), 500ms);
    std::printf("a volatile bool: %d of 5 readings%s\n", taken, outcome.timed_out() ? ", then none came any more" : "");
    sensor.clear();
    taken = 0;
    outcome = co_await try_wait_for(with_a_flag(taken), 500ms);
    std::printf("a ThreadSafeFlag: %d of 5 readings%s\n", taken,
                outcome.timed_out() ? ", then none came any more" : "");
}

int main() {
    std::signal(SIGALRM, on_interrupt);
    run(compare());
}
