#include <rouse/threads/context.hpp>

#include "../still_port.hpp"

rouse::Task<int> ask(rouse::Context& context) {
    co_return co_await context.assign([] { return 42; });
}

int main() {
    StillPort port; // its wait returns at once: the loop asks until the thread has answered
    rouse::Loop loop{port};
    rouse::Context context;
    return loop.run(ask(context)) == 42 ? 0 : 1;
}
