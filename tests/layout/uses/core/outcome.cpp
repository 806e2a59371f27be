#include <rouse/core/outcome.hpp>

int main() {
    const auto outcome = rouse::Outcome<int>::of_value(42);
    return outcome.value() == 42 && rouse::Outcome<void>::of_cancelled().cancelled() ? 0 : 1;
}
