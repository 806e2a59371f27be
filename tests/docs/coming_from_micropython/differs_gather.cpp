#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> short_one() { co_await yield(); }

Task<> count() {
    for (int i = 0; i < 8; ++i) {
        std::printf("turn %d\n", i);
        co_await yield();
    }
}

Task<> by_task() {
    co_await create_task(short_one());
    std::puts("task: awaited");
}

Task<> by_gather() {
    co_await gather(short_one());
    std::puts("gather: awaited");
}

Task<> by_group() {
    co_await TaskGroup::run([](TaskGroup& group) -> Task<> {
        group.create_task(short_one());
        co_return;
    });
    std::puts("group: awaited");
}

Task<> by_wait_for() {
    co_await wait_for(short_one(), 1s);
    std::puts("wait_for: awaited");
}

Task<> program() {
    std::vector<TaskHandle<>> tasks;
    for (auto f : {count, by_task, by_gather, by_group, by_wait_for}) tasks.push_back(create_task(f()));
    for (auto& task : tasks) co_await task;
}

int main() { run(program()); }
