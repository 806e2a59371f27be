#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "newest.page.hpp" // from docs/coming-from-micropython.md

Task<> program() {
    Queue<int, 3> readings;
    auto showing = create_task(show(readings));
    co_await measure(readings);
    showing.cancel();
    std::printf("left %zu\n", readings.qsize());
}

int main() { run(program()); }
