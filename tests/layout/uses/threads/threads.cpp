#include <rouse/threads/threads.hpp>

#include "../still_port.hpp"

rouse::Task<int> ask(rouse::Context& context) {
    const int first = co_await context.assign([] { return 40; });
    const int second = co_await rouse::unblock([] { return 2; });
    co_return first + second;
}

int main() {
    StillPort port; // its wait returns at once: the loop asks until the threads have answered
    rouse::Loop loop{port};
    rouse::Context context;
    return loop.run(ask(context)) == 42 ? 0 : 1;
}
