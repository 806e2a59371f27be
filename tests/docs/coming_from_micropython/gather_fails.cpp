#include <cstdio>
#include <stdexcept>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<std::string> work(std::string name, std::chrono::milliseconds time, bool fails = false) {
    try {
        co_await sleep(time);
        if (fails) throw std::runtime_error{name + " failed"};
        std::printf("%s is ready\n", name.c_str());
        co_return name;
    } catch (const CancelledError&) {
        std::printf("%s was cancelled\n", name.c_str());
        throw;
    }
}

Task<> gather_cancelled() { co_await gather(work("p", 1s), work("q", 2s)); }

Task<> cancel_later(TaskHandle<> task, std::chrono::milliseconds time) {
    co_await sleep(time);
    task.cancel();
}

void show(Outcome<std::string> outcome) {
    if (outcome.cancelled()) {
        std::puts("cancelled");
        return;
    }
    try {
        std::printf("value: %s\n", outcome.value().c_str());
    } catch (const std::exception& error) {
        std::printf("error: %s\n", error.what());
    }
}

Task<> program() {
    try {
        auto a = create_task(work("a", 30ms));
        auto b = create_task(work("b", 10ms, true));
        auto c = create_task(work("c", 20ms, true));
        co_await gather(a, b, c); // of their Tasks it would cancel the others: see differs_gather_owns
    } catch (const std::runtime_error& error) {
        std::printf("caught: %s\n", error.what());
    }
    co_await sleep(50ms);

    auto late = create_task(work("late", 1s));
    create_task(cancel_later(late, 15ms));
    auto [d, e, l] = co_await gather(return_exceptions, work("d", 10ms), work("e", 20ms, true), late);
    show(d);
    show(e);
    show(l);

    auto task = create_task(gather_cancelled());
    co_await sleep(10ms);
    task.cancel();
    try {
        co_await task;
    } catch (const CancelledError&) {
        std::puts("gather was cancelled");
    }
}

int main() { run(program()); }
