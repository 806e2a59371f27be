// One task more, with a flag of its own.
#include "program.hpp"

namespace {

constinit rouse::ThreadSafeFlag other_flag;

rouse::Task<> second_task() {
    for (;;) {
        co_await other_flag.wait();
        sink = sink + 2;
    }
}

} // namespace

extern "C" void timer_interrupt() {
    flag.set();
    other_flag.set();
}

int main() {
    rouse::create_task(first_task());
    rouse::create_task(second_task());
    loop.run_forever();
}
