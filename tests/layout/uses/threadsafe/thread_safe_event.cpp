#include <rouse/threadsafe/thread_safe_event.hpp>

#include "../run_now.hpp"

bool passed = false;

RunNow wait(rouse::ThreadSafeEvent& event) {
    co_await event.wait();
    passed = true;
}

int main() {
    rouse::ThreadSafeEvent event;
    event.set();
    wait(event);
    return passed ? 0 : 1;
}
