#include <rouse/threads/unblock.hpp>

#include "../still_port.hpp"

rouse::Task<int> ask() {
    co_return co_await rouse::unblock([] { return 42; });
}

int main() {
    StillPort port; // its wait returns at once: the loop asks until the thread has answered
    rouse::Loop loop{port};
    return loop.run(ask()) == 42 ? 0 : 1;
}
