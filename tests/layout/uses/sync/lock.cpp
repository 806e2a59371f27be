#include <rouse/sync/lock.hpp>

#include "../run_now.hpp"

bool held = false;

RunNow hold(rouse::Lock& lock) {
    auto guard = co_await lock.scoped();
    held = lock.locked();
}

int main() {
    rouse::Lock lock;
    hold(lock);
    return held && !lock.locked() ? 0 : 1;
}
