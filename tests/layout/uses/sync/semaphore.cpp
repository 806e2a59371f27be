#include <rouse/sync/semaphore.hpp>

#include "../run_now.hpp"

bool acquired = false;

RunNow acquire(rouse::Semaphore& semaphore) {
    co_await semaphore.acquire();
    acquired = true;
}

int main() {
    rouse::Semaphore semaphore{1};
    acquire(semaphore);
    semaphore.release();
    return acquired ? 0 : 1;
}
