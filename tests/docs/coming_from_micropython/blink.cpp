#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "blink.page.hpp" // from docs/coming-from-micropython.md

Task<> program() {
    create_task(button());
    for (auto time : {100ms, 600ms, 1000ms}) { // somebody plays with the button
        co_await sleep(time);
        std::puts("press");
        pressed.set();
    }
    co_await sleep(300ms);
}

int main() { run(program()); }
