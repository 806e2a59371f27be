#include <rouse/core/task.hpp>

#include "../still_port.hpp"

rouse::Task<int> answer() { co_return 42; }
rouse::Task<int> ask() { co_return co_await answer(); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(ask()) == 42 ? 0 : 1;
}
