// A queue from an interrupt to a task.
#include "program.hpp"

namespace {

constinit rouse::ThreadSafeQueue<int, 4> queue;

rouse::Task<> receive() {
    while (const auto item = co_await queue.next()) sink = *item;
}

} // namespace

extern "C" void timer_interrupt() {
    flag.set();
    if (!queue.put_sync(1)) queue.close();
}

int main() {
    rouse::create_task(first_task());
    rouse::create_task(receive());
    loop.run_forever();
}
