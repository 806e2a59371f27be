// Two tasks more.
#include "program.hpp"

namespace {

constinit rouse::ThreadSafeFlag other_flag, third_flag;

rouse::Task<> second_task() {
    for (;;) {
        co_await other_flag.wait();
        sink = sink + 2;
    }
}

rouse::Task<> third_task() {
    for (;;) {
        co_await third_flag.wait();
        sink = sink + 3;
    }
}

} // namespace

extern "C" void timer_interrupt() {
    flag.set();
    other_flag.set();
    third_flag.set();
}

int main() {
    rouse::create_task(first_task());
    rouse::create_task(second_task());
    rouse::create_task(third_task());
    loop.run_forever();
}
