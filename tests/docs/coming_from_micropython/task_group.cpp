#include <cstdio>
#include <stdexcept>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> work(std::string name, std::chrono::milliseconds time, bool fails = false) {
    try {
        co_await sleep(time);
    } catch (const CancelledError&) {
        std::printf("%s cancelled\n", name.c_str());
        if (fails) throw std::runtime_error{name + " failed to clean up"};
        throw;
    }
    if (fails) throw std::runtime_error{name + " failed"};
    std::printf("%s ready\n", name.c_str());
}

Task<> good() {
    co_await TaskGroup::run([](TaskGroup& group) -> Task<> {
        group.create_task(work("a", 20ms));
        group.create_task(work("b", 10ms));
        std::puts("end of the body");
        co_return;
    });
    std::puts("behind the group");
}

Task<> bad() {
    try {
        co_await TaskGroup::run([](TaskGroup& group) -> Task<> {
            group.create_task(work("c", 5ms));
            group.create_task(work("d", 10ms, true));
            group.create_task(work("e", 50ms, true));
            co_await sleep(1s);
            std::puts("never printed");
        });
    } catch (const ExceptionGroup& group) {
        for (const auto& each : group.errors()) {
            try {
                std::rethrow_exception(each);
            } catch (const std::exception& error) {
                std::printf("caught: %s\n", error.what());
            }
        }
    }
}

Task<> program() {
    co_await good();
    co_await bad();
    auto cancelled = create_task(good());
    co_await sleep(15ms);
    cancelled.cancel();
    try {
        co_await cancelled;
    } catch (const CancelledError&) {
        std::puts("the group was cancelled");
    }
}

int main() { run(program()); }
