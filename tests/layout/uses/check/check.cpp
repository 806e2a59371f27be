#include <rouse/check/check.hpp>

int main() {
    const rouse::check::Result result = rouse::check::explore([] {
        rouse::check::Atomic<int> count{0};
        rouse::check::thread([&count] { count.fetch_add(1); });
        rouse::check::interrupt("tick", [&count] { count.fetch_add(1); });
        rouse::check::join();
        rouse::check::expect(count.load() == 2, "a count is lost");
    });
    return rouse::check::report("two counts", result);
}
