#include <rouse/threadsafe/slot_queue.hpp>

#include "../still_port.hpp"

rouse::Task<int> read(rouse::SlotQueue<int, 2>& queue) {
    const int value = *co_await queue.next_filled();
    queue.release();
    co_return value;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::SlotQueue<int, 2> queue;
    *queue.reserve() = 42;
    return queue.commit() && loop.run(read(queue)) == 42 && queue.peek() == nullptr ? 0 : 1;
}
