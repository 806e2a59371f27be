#include <rouse/check/interrupt_everywhere.hpp>

static volatile bool interrupted = false;

int main() {
    const auto report = rouse::check::interrupt_everywhere(
        [] {
            {
                const rouse::check::Interrupted stretch;
            }
            return static_cast<bool>(interrupted);
        },
        [] { interrupted = true; });
    return report.supported && !report.passed() ? 1 : 0;
}
