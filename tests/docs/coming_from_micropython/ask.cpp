#include <cstdio>
#include <string>
#include <tuple>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "ask.page.hpp" // from docs/coming-from-micropython.md

Task<> person(Queue<std::string>& typed) {
    co_await sleep(25s);
    std::ignore = co_await typed.put("Ada");
}

Task<> program() {
    Queue<std::string> typed;
    create_task(person(typed));
    auto name = co_await ask(typed);
    std::printf("hello, %s\n", name.c_str());
}

int main() { run(program()); }
