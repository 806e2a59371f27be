// Timers, time limits, cancellation, gather and a queue, in one program.
#include "program.hpp"

namespace {

constinit rouse::ThreadSafeQueue<int, 4> queue;

rouse::Task<> worker() {
    for (;;) {
        const auto item = co_await queue.next();
        if (!item) break;
        sink = *item;
        co_await rouse::sleep(10ms);
    }
}

rouse::Task<> supervisor() {
    for (;;) {
        auto task = rouse::create_task(worker());
        const auto outcome = co_await rouse::try_wait_for(flag.wait(), 1s);
        if (outcome.timed_out()) task.cancel();
        co_await rouse::gather(rouse::return_exceptions, task, rouse::create_task(first_task()));
    }
}

} // namespace

extern "C" void timer_interrupt() {
    flag.set();
    if (!queue.put_sync(1)) queue.close();
}

int main() {
    rouse::create_task(supervisor());
    loop.run_forever();
}
