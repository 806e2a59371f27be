// A wait with a time limit.
#include "program.hpp"

namespace {

rouse::Task<> wait_a_second() {
    for (;;) {
        const auto outcome = co_await rouse::try_wait_for(flag.wait(), 1s);
        sink = outcome.timed_out() ? 2 : 3;
    }
}

} // namespace

extern "C" void timer_interrupt() { flag.set(); }

int main() {
    rouse::create_task(wait_a_second());
    loop.run_forever();
}
