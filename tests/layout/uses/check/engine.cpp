#include <rouse/check/engine.hpp>

int main() {
    return rouse::check::explore([] {}).passed() ? 0 : 1;
}
