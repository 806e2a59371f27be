#include <rouse/sync/condition.hpp>

#include "../still_port.hpp"

rouse::Task<bool> wait(rouse::Lock& lock, rouse::Condition& condition) {
    auto guard = co_await lock.scoped();
    condition.notify_all();
    co_return co_await condition.wait_for([] { return true; });
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Lock lock;
    rouse::Condition condition{lock};
    return loop.run(wait(lock, condition)) ? 0 : 1;
}
