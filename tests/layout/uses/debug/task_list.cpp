#include <rouse/debug/task_list.hpp>

#include "../still_port.hpp"

int main() {
    StillPort port;
    rouse::Loop loop{port};
    int tasks = 0;
    rouse::debug::for_each_task(loop, [&tasks](const rouse::debug::TaskInfo&) { ++tasks; });
    rouse::debug::print_tasks(loop, stdout);
    return tasks;
}
