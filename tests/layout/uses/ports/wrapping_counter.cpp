#include <rouse/ports/wrapping_counter.hpp>

int main() {
    rouse::WrappingCounter<16> counter{0xffff};
    return counter.read([] { return 1U; }) == 2 ? 0 : 1;
}
