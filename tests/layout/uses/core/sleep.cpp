#include <rouse/core/sleep.hpp>

#include "../run_now.hpp"

bool refused = false;

RunNow outside_a_task() {
    using namespace std::chrono_literals;
    try {
        co_await rouse::sleep(1ms);
    } catch (const rouse::UsageError&) {
        refused = true;
    }
}

int main() {
    outside_a_task();
    return refused ? 0 : 1;
}
