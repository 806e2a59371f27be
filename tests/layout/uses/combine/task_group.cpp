#include <rouse/combine/task_group.hpp>

#include "../still_port.hpp"

int done = 0;

rouse::Task<> work() {
    ++done;
    co_return;
}

rouse::Task<> body(rouse::TaskGroup& group) {
    group.create_task(work());
    group.create_task(work());
    co_return;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    loop.run(rouse::TaskGroup::run(body));
    return done == 2 ? 0 : 1;
}
