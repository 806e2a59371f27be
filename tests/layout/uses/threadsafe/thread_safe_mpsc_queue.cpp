#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>

#include "../run_now.hpp"

int got = 0;

RunNow get(rouse::ThreadSafeMpscQueue<int, 2>& queue) { got = co_await queue.get(); }

int main() {
    rouse::ThreadSafeMpscQueue<int, 2> queue;
    if (!queue.put_sync(42, rouse::block)) return 1;
    get(queue);
    return got == 42 && !queue.get_sync() ? 0 : 1;
}
