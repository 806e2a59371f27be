#include <cstdio>
#include <stdexcept>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

void handler(std::string_view, std::exception_ptr exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        std::printf("handler: %s\n", error.what());
    }
}

Task<> fails(std::string what, std::chrono::milliseconds time) {
    co_await sleep(time);
    throw std::runtime_error{what};
}

Task<> program() {
    Loop::current().set_exception_handler(handler);
    create_task(fails("nobody has a handle", 10ms));
    auto kept = create_task(fails("the handle is dropped later", 0ms));
    auto awaited = create_task(fails("is caught", 20ms));
    co_await sleep(15ms);
    std::puts("main drops the handle");
    kept = {};
    std::puts("main awaits the other");
    try {
        co_await awaited;
    } catch (const std::runtime_error& error) {
        std::printf("main caught: %s\n", error.what());
    }
    awaited = {};
    create_task(fails("second", 2ms));
    create_task(fails("first", 1ms));
    co_await sleep(10ms);
    try {
        co_await fails("in place", 0ms);
    } catch (const std::runtime_error& error) {
        std::printf("main caught: %s\n", error.what());
    }
    std::puts("main ends");
}

int main() { run(program()); }
