#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> waiter(const char* name, Event& event) {
    co_await event.wait();
    std::printf("%s saw the event, which is %s\n", name, event.is_set() ? "set" : "clear");
}

Task<> program() {
    Event event;
    std::vector<TaskHandle<>> waiters;
    for (const char* name : {"a", "b", "c"}) waiters.push_back(create_task(waiter(name, event)));
    co_await sleep(10ms);
    waiters[1].cancel();
    waiters.push_back(create_task(waiter("d", event)));
    co_await yield();
    std::puts("set");
    event.set();
    event.clear();
    auto late = create_task(waiter("late", event));
    co_await sleep(10ms);
    std::puts("set again");
    event.set();
    co_await late;
    co_await event.wait();
    std::puts("main did not wait");
}

int main() { run(program()); }
