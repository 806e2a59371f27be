// A task that sleeps.
#include "program.hpp"

namespace {

rouse::Task<> blink() {
    for (;;) {
        co_await rouse::sleep(500ms);
        sink = sink + 2;
    }
}

} // namespace

extern "C" void timer_interrupt() { flag.set(); }

int main() {
    rouse::create_task(first_task());
    rouse::create_task(blink());
    loop.run_forever();
}
