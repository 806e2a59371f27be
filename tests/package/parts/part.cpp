// A part of a program, compiled with -fvisibility=hidden: a shared library that the program is linked with, or a
// plugin.
#include "part.hpp"

#include <csignal>
#include <string>

#include <rouse/io/io.hpp>
#include <rouse/threads/threads.hpp>

using namespace rouse;
using namespace std::chrono_literals;

namespace {

Task<int> child() {
    co_await yield();
    co_return 20;
}

Task<> sets(Event& done) {
    co_await sleep(1ms);
    done.set();
}

Task<> misuses() {
    Lock lock;
    lock.release();
    co_return;
}

// On the descriptors of the loop's port, which the host made.
Task<int> bytes_through_a_pipe() {
    int ends[2];
    if (::pipe(ends) != 0) co_return 0;
    StreamReader reader = open_pipe_reader(ends[0]);
    StreamWriter writer = open_pipe_writer(ends[1]);
    writer.write("bytes\n");
    co_await writer.drain();
    const std::string line = co_await reader.readline();
    co_return static_cast<int>(line.size());
}

class ThisPart final : public Part {
    Loop* loop() override { return Loop::current_or_null(); }
    const std::error_category& stream_category() override { return rouse::stream_category(); }
    const std::error_category& resolve_category() override { return rouse::resolve_category(); }

    Task<int> work() override {
        ThreadSafeFlag flag;
        co_await unblock([&flag] { flag.set(); });
        co_await flag.wait();
        co_await sleep(1ms);
        const int bytes = co_await bytes_through_a_pipe();
        const auto twenty = create_task(child());
        const int sixteen = co_await wait_for(child(), 1min) - 4;
        co_return bytes + sixteen + co_await twenty;
    }
    void start(Event& done) override { create_task(sets(done)); }
    void take_signal(int number) override { Signal signal{number}; }
    Task<> misused() override { co_await misuses(); }
    Task<> cancelled() override {
        const auto task = create_task(child());
        task.cancel();
        co_await task;
    }
    Task<> late() override { co_await wait_for(sleep(1min), 0s); }
};

} // namespace

Part* the_part() {
    static ThisPart part;
    return &part;
}
