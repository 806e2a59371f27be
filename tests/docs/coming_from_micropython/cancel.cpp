#include <cstdio>
#include <stdexcept>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> inner() {
    bool cancelled = false;
    try {
        co_await sleep(1s);
    } catch (const CancelledError&) {
        cancelled = true; // co_await is not allowed in a handler
    }
    if (!cancelled) co_return;
    std::puts("inner: cancelled, hangs up");
    co_await sleep(10ms);
    std::puts("inner: has hung up");
    throw CancelledError{};
}

Task<> outer(TaskHandle<> task) {
    struct Finally {
        ~Finally() { std::puts("outer: leaves"); }
    } finally;
    co_await task;
}

Task<> never() {
    std::puts("never printed");
    co_return;
}

Task<const char*> ignores() {
    try {
        co_await sleep(1s);
    } catch (const CancelledError&) {
        std::puts("ignores it");
    }
    co_await sleep(10ms);
    co_return "value";
}

Task<> with_std_exception() {
    try {
        co_await sleep(1s);
    } catch (const std::exception&) {
        std::puts("never printed: CancelledError is not a std::exception");
    }
}

const char* text(bool truth) { return truth ? "True" : "False"; }

Task<> program() {
    auto task = create_task(inner());
    auto waiting = create_task(outer(task));
    co_await sleep(10ms);
    std::printf("cancel %s\n", text(waiting.cancel()));
    std::puts("main goes on");
    try {
        co_await waiting;
    } catch (const CancelledError&) {
        std::printf("main: both ended %s %s\n", text(task.cancelled()), text(waiting.cancelled()));
    }
    std::printf("again %s\n", text(waiting.cancel()));

    auto not_begun = create_task(never());
    not_begun.cancel();
    co_await yield();
    std::printf("not begun %s\n", text(not_begun.cancelled()));

    auto goes_on = create_task(ignores());
    co_await yield();
    goes_on.cancel();
    auto value = co_await goes_on;
    std::printf("%s %s\n", value, text(goes_on.cancelled()));

    auto passes = create_task(with_std_exception());
    co_await yield();
    passes.cancel();
    co_await yield();
    std::printf("passes %s\n", text(passes.cancelled()));
}

int main() { run(program()); }
