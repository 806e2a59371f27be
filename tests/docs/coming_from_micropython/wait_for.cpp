#include <cstdio>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<int> answer(std::chrono::milliseconds time) {
    struct CleanUp {
        ~CleanUp() { std::puts("answer cleans up"); }
    } clean_up;
    co_await sleep(time);
    co_return 42;
}

Task<int> stubborn() {
    try {
        co_await sleep(1s);
    } catch (const CancelledError&) {
        std::puts("stubborn goes on");
    }
    co_await sleep(10ms);
    co_return 7;
}

Task<> program() {
    std::printf("%d\n", co_await wait_for(answer(10ms), 20ms));
    try {
        co_await wait_for(answer(30ms), 20ms);
    } catch (const TimeoutError&) {
        std::puts("too late");
    }

    Queue<std::string> queue;
    try {
        co_await wait_for(queue.get(), 10ms);
    } catch (const TimeoutError&) {
        std::puts("no item");
    }
    static_cast<void>(queue.put_nowait("item"));
    auto item = co_await wait_for(queue.get(), 10ms);
    std::puts(item.c_str());

    std::printf("%d\n", co_await wait_for(stubborn(), 10ms));

    auto task = create_task(answer(1s));
    try {
        co_await wait_for(task, 10ms);
    } catch (const TimeoutError&) {
        std::printf("too late, %s\n", task.cancelled() ? "cancelled" : "not cancelled");
    }

    auto outer = create_task(wait_for(answer(1s), 500ms));
    co_await sleep(10ms);
    outer.cancel();
    try {
        co_await outer;
    } catch (const CancelledError&) {
        std::puts("cancelled from outside");
    }
}

int main() { run(program()); }
