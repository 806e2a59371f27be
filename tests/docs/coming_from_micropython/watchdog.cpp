#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "watchdog.page.hpp" // from docs/coming-from-micropython.md

Task<> program() {
    Delay silence{1s};
    silence.trigger();
    create_task(listen(silence));
    co_await watch(silence);
}

int main() { run(program()); }
