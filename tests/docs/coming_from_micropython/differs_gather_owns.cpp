#include <cstdio>
#include <stdexcept>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> work(std::string name, std::chrono::milliseconds time, bool fails = false) {
    try {
        co_await sleep(time);
        if (fails) throw std::runtime_error{name + " failed"};
        std::printf("%s is ready\n", name.c_str());
    } catch (const CancelledError&) {
        std::printf("%s was cancelled\n", name.c_str());
        throw;
    }
}

Task<> program() {
    auto handle = create_task(work("handle", 30ms));
    try {
        co_await gather(work("a", 20ms), work("b", 10ms, true), handle);
    } catch (const std::runtime_error& error) {
        std::printf("caught: %s\n", error.what());
    }
    co_await sleep(50ms);
}

int main() { run(program()); }
