#include <rouse/check/cancel_everywhere.hpp>

static rouse::Task<> nothing() { co_return; }

int main() {
    const auto awaits = rouse::check::cancel_everywhere([](rouse::check::CancelledRun& run) { run.run(nothing()); });
    return awaits == 0 ? 0 : 1;
}
