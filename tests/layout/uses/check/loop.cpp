#include <rouse/check/loop.hpp>

static rouse::Task<int> answer() { co_return 42; }

int main() {
    const rouse::check::Result result =
        rouse::check::explore([] { rouse::check::expect(rouse::check::run(answer) == 42, "the result is another"); });
    return result.passed() ? 0 : 1;
}
