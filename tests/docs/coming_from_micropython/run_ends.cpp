#include <cstdio>
#include <stdexcept>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> server() {
    try {
        for (;;) co_await sleep(1s);
    } catch (const CancelledError&) {
        std::puts("server: closing");
    }
    co_await sleep(10ms);
    std::puts("server: closed");
    throw CancelledError{};
}

Task<> last_minute() {
    std::puts("begun in the last minute");
    co_await yield();
    std::puts("never printed");
}

Task<int> program() {
    create_task(server());
    co_await sleep(10ms);
    create_task(last_minute());
    std::puts("main ends");
    co_return 42;
}

Task<> program_fails() {
    create_task(server());
    co_await sleep(10ms);
    throw std::runtime_error{"main failed"};
}

int main() {
    std::printf("run returns %d\n", run(program()));
    try {
        run(program_fails());
    } catch (const std::runtime_error& error) {
        std::printf("run raises %s\n", error.what());
    }
}
