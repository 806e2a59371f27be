#include <rouse/check/explore.hpp>

int main() {
    const rouse::check::Result result = rouse::check::explore([] {
        const int chosen = rouse::check::choose(3);
        rouse::check::expect(chosen != 2, "the third way is taken");
    });
    return result.kind == rouse::check::Failure::assertion && result.executions == 2 ? 0 : 1;
}
