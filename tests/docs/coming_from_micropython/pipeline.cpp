#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "pipeline.page.hpp" // from docs/coming-from-micropython.md

Task<> program() {
    Queue<int, 2> queue;
    co_await gather(produce(queue), consume("a", queue), consume("b", queue));
}

int main() { run(program()); }
