#include <rouse/sync/event.hpp>

#include "../run_now.hpp"

bool passed = false;

RunNow wait(rouse::Event& event) {
    co_await event.wait();
    passed = true;
}

int main() {
    rouse::Event event;
    event.set();
    wait(event);
    return passed ? 0 : 1;
}
