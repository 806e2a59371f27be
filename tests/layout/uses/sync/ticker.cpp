#include <rouse/sync/ticker.hpp>

#include "../run_now.hpp"

bool refused = false;

RunNow outside_a_task() {
    using namespace std::chrono_literals;
    rouse::Ticker ticker{1ms};
    try {
        static_cast<void>(co_await ticker.next());
    } catch (const rouse::UsageError&) {
        refused = ticker.period() == 1ms;
    }
}

int main() {
    outside_a_task();
    return refused ? 0 : 1;
}
