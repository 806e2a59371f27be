// Calls set() from a thread while the loop is busy, or while it sleeps; for system_calls.sh, which looks at it with
// strace.
//
//   system_calls busy    1000 sets while a task keeps the loop busy
//   system_calls asleep  in each of 100 sleeps, 10 sets
#include <atomic>
#include <string_view>
#include <thread>

#include <rouse/rouse.hpp>

#include "support/counting_port.hpp"

using namespace rouse;

static ThreadSafeFlag flag;
static std::atomic<bool> awake{false}, go_on{false};
static std::atomic<int> roused{0}, sets{0};

static Task<> busy() {
    std::thread setter{[] {
        while (!awake) {
        }
        for (int i = 0; i < 1000; ++i) flag.set();
        go_on = true;
    }};
    awake = true;
    while (!go_on) co_await yield();
    setter.join();
    co_await flag.wait();
}

static Task<> asleep(const std::atomic<bool>& sleeping) {
    std::thread setter{[&sleeping] {
        for (int round = 0; round < 100; ++round) {
            while (roused != round || !sleeping) {
            }
            for (int i = 0; i < 10; ++i) {
                flag.set();
                ++sets;
            }
        }
    }};
    for (int round = 1; round <= 100; ++round) {
        co_await flag.wait();
        co_await sleep(std::chrono::milliseconds{1});
        // The rest of this round's sets must not count as the next one's.
        while (sets < 10 * round) co_await yield();
        flag.clear();
        ++roused;
    }
    setter.join();
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    test::CountingPort port;
    Loop loop{port};
    loop.run(argv[1] == std::string_view{"busy"} ? busy() : asleep(port.sleeping));
}
