#include <rouse/check/atomic.hpp>

int main() {
    constinit static rouse::check::Atomic<int> outside_of_a_program{7};
    static_cast<void>(outside_of_a_program);
    return 0;
}
