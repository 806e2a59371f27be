// Waits with and without an end, for platforms where `long` has 32 bits; see narrow_long.sh.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include <rouse/rouse.hpp>

using namespace std::chrono_literals;
using std::chrono::steady_clock;

static rouse::Task<> sleeps() {
    co_await rouse::sleep(20ms);
    rouse::Event event;
    const auto outcome = co_await rouse::try_wait_for(event.wait(), 20ms);
    if (!outcome.timed_out()) std::puts("a wait with a limit ended before it");
}

int main() {
    std::printf("long of %zu bytes, time_t of %zu\n", sizeof(long), sizeof(std::time_t));
    rouse::ThreadSafeQueue<int, 1> queue;
    auto start = steady_clock::now();
    if (queue.get_sync(50ms).has_value() || steady_clock::now() - start < 50ms) {
        std::puts("a blocking get ended before its limit");
        return 1;
    }
    if (!queue.put_sync(1)) return 1;
    if (queue.put_sync(2, 50ms) || steady_clock::now() - start < 100ms) {
        std::puts("a blocking put ended before its limit");
        return 1;
    }
    if (queue.get_sync(24h * 365 * 100) != 1) return 1;
    std::thread putter{[&] {
        std::this_thread::sleep_for(20ms);
        if (!queue.put_sync(3)) std::puts("the queue is full");
    }};
    const bool got = queue.get_sync(24h * 365 * 100) == 3; // beyond 32 bits of seconds
    putter.join();
    if (!got) {
        std::puts("a wait for a century did not end with an item");
        return 1;
    }
    start = steady_clock::now();
    rouse::run(sleeps());
    return steady_clock::now() - start >= 40ms ? 0 : 1;
}
