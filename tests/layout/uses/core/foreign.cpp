#include <rouse/core/foreign.hpp>

#include "../run_now.hpp"

struct Ready { // the least awaitable
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { handle.resume(); }
    int await_resume() const noexcept { return 1; }
};

bool refused = false;

RunNow outside_a_task() {
    try {
        co_await rouse::foreign(Ready{});
    } catch (const rouse::UsageError&) {
        refused = true;
    }
}

int main() {
    outside_a_task();
    return refused ? 0 : 1;
}
