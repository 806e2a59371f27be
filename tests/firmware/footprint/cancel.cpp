// A task that cancels another and waits for its end.
#include "program.hpp"

namespace {

rouse::Task<> canceller() {
    const auto task = rouse::create_task(first_task());
    co_await rouse::yield();
    task.cancel();
    const auto outcome = co_await task.outcome();
    sink = outcome.cancelled() ? 2 : 3;
}

} // namespace

extern "C" void timer_interrupt() { flag.set(); }

int main() {
    rouse::create_task(canceller());
    loop.run_forever();
}
