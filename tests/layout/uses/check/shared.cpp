#include <rouse/check/shared.hpp>

int main() {
    const rouse::check::Result result = rouse::check::explore([] {
        rouse::check::Shared<int> word{3};
        word.update([](int& value) { ++value; });
        rouse::check::expect(word.read() == 4, "an increment is lost");
    });
    return result.passed() ? 0 : 1;
}
