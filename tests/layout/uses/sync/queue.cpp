#include <rouse/sync/queue.hpp>

#include "../run_now.hpp"

int got = 0;

RunNow pass(rouse::Queue<int, 2>& queue) {
    if (co_await queue.put(42)) got = co_await queue.get();
}

int main() {
    rouse::Queue<int, 2> queue;
    pass(queue);
    return got == 42 ? 0 : 1;
}
