#include <rouse/sync/barrier.hpp>

#include "../run_now.hpp"

bool passed = false;

RunNow wait(rouse::Barrier& barrier) {
    co_await barrier.wait();
    passed = true;
}

int main() {
    rouse::Barrier barrier{1};
    wait(barrier);
    return passed ? 0 : 1;
}
