#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<int> child(const char* name) {
    std::printf("  child of %s\n", name);
    co_return 1;
}

Task<> quiet() {
    std::puts("never printed");
    co_return;
}

Task<> work_more(const char* name) {
    std::printf("%s goes on in a task\n", name);
    co_return;
}

Task<const char*> work(const char* name) {
    std::printf("%s begins\n", name);
    co_await child(name);
    std::printf("%s makes a task\n", name);
    create_task(work_more(name));
    co_await yield();
    std::printf("%s ends\n", name);
    co_return name;
}

const char* text(bool truth) { return truth ? "True" : "False"; }

Task<> program() {
    auto coroutine = child("main, later");
    {
        auto dropped = quiet();
    }
    auto a = create_task(work("a"));
    auto b = create_task(work("b"));
    std::puts("main has made two tasks");
    co_await coroutine;
    auto result = co_await b;
    std::printf("%s %s %s\n", result, text(a.done()), text(b.done()));
    auto once = co_await a;
    auto twice = co_await a;
    std::printf("%s %s\n", once, twice);
}

int main() { run(program()); }
