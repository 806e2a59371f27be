// Two tasks of one loop use a device, one at a time. With a std::mutex the second one blocks the thread, and with it
// the loop, so the first never gets to unlock it. With a Lock only the task waits.
#include <rouse/rouse.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

using namespace rouse;
using namespace std::chrono_literals;

static std::mutex mutex; // wrong
static std::atomic<int> done{0};

Task<> use_with_mutex() {
    const std::scoped_lock hold{mutex};
    co_await sleep(10ms); // the device works
    ++done;
}

Task<> use_with_lock(Lock& lock) {
    const auto hold = co_await lock.scoped();
    co_await sleep(10ms);
    ++done;
}

Task<> two_with_mutex() { co_await gather(use_with_mutex(), use_with_mutex()); }

Task<> two_with_lock() {
    Lock lock; // right
    co_await gather(use_with_lock(lock), use_with_lock(lock));
}

int main() {
    std::thread{[] { run(two_with_mutex()); }}.detach(); // it stays where it is
    std::this_thread::sleep_for(500ms);
    std::printf("a std::mutex: %d of 2 tasks done after half a second\n", done.exchange(0));
    run(two_with_lock());
    std::printf("a Lock: %d of 2 tasks done\n", done.load());
    std::fflush(stdout);
    std::_Exit(0); // that thread holds the mutex, and waits for it
}
