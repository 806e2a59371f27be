#include <rouse/check/simulate.hpp>

static rouse::Task<> nothing() { co_return; }

int main() {
    const auto report = rouse::check::simulate([](rouse::check::SimulatedRun& run) { run.run(nothing()); });
    return report.passed() ? 0 : 1;
}
