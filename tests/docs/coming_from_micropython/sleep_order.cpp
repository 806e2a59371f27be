#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> nap(const char* name, std::chrono::milliseconds time) {
    co_await sleep(time);
    std::printf("up: %s\n", name);
}

Task<> spin(const char* name) {
    for (int i = 0; i < 3; ++i) {
        std::printf("%s %d\n", name, i);
        co_await yield();
    }
}

Task<> program() {
    std::vector<TaskHandle<>> tasks;
    tasks.push_back(create_task(nap("c", 30ms)));
    tasks.push_back(create_task(nap("a", 10ms)));
    tasks.push_back(create_task(nap("b", 20ms)));
    tasks.push_back(create_task(nap("now", 0ms)));
    tasks.push_back(create_task(nap("before now", -1s)));
    tasks.push_back(create_task(nap("a too", 10ms)));
    tasks.push_back(create_task(spin("x")));
    tasks.push_back(create_task(spin("y")));
    std::puts("main sleeps");
    co_await sleep(20ms);
    std::puts("main is up");
    for (auto& task : tasks) co_await task;
    std::puts("main ends");
}

int main() { run(program()); }
