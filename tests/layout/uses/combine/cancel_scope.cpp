#include <rouse/combine/cancel_scope.hpp>

#include "../still_port.hpp"

rouse::Task<int> number(int n) { co_return n; }

rouse::Task<int> runs() {
    rouse::CancelScope scope;
    const auto done = co_await scope.run(number(3), std::chrono::seconds{1});
    scope.cancel();
    const auto cancelled = co_await scope.run(number(4));
    co_return scope.cancelled() && cancelled.cancelled() && done.has_value() ? done.value() : 0;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(runs()) == 3 ? 0 : 1;
}
