#include <rouse/combine/shield.hpp>

#include "../still_port.hpp"

rouse::Task<int> number(int n) { co_return n; }

rouse::Task<int> awaits(rouse::TaskHandle<int> handle) { co_return co_await rouse::shield(handle); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(awaits(loop.create_task(number(3)))) == 3 ? 0 : 1;
}
