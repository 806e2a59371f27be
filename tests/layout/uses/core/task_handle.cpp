#include <rouse/core/task_handle.hpp>

#include "../still_port.hpp"

rouse::Task<int> answer() { co_return 42; }

rouse::Task<int> ask() {
    rouse::TaskHandle<int> handle = rouse::create_task(answer());
    co_return co_await handle;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(ask()) == 42 ? 0 : 1;
}
