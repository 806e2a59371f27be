#include <rouse/debug/task_list.hpp>

#include "../still_port.hpp"

int main() {
    StillPort port;
    rouse::Loop loop{port};
    int tasks = 0;
    rouse::for_each_task(loop, [&tasks](const rouse::TaskInfo&) { ++tasks; });
    rouse::print_tasks(loop, stdout);
    return tasks;
}
