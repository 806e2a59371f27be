// An event that an interrupt sets.
#include "program.hpp"

namespace {

constinit rouse::ThreadSafeEvent event;

rouse::Task<> wait_for_event() {
    for (;;) {
        co_await event.wait();
        event.clear();
        sink = sink + 2;
    }
}

} // namespace

extern "C" void timer_interrupt() {
    flag.set();
    event.set();
}

int main() {
    rouse::create_task(first_task());
    rouse::create_task(wait_for_event());
    loop.run_forever();
}
