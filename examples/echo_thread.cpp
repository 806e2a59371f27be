// A thread and a loop that talk through two queues of ten: the loop sends numbers, the thread sends them back, the
// loop checks that they come in order. Either side sleeps when it has nothing to do, and is woken by the other.
//
//   echo_thread [count]        the default is 100000
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"

using Queue = rouse::ThreadSafeQueue<int, 10>;

// The thread: it may block, so it does.
static void echo(Queue& in, Queue& out) {
    while (const auto item = in.get_sync(rouse::block)) {
        if (!out.put_sync(*item, rouse::block)) break;
    }
    out.close();
}

static rouse::Task<> send(Queue& out, int count) {
    for (int i = 0; i < count; ++i) {
        if (!co_await out.put(i)) co_return; // closed
    }
    out.close();
}

// Returns how many came back, all of them in order, or -1.
static rouse::Task<int> check(Queue& in) {
    int expected = 0;
    while (const auto item = co_await in.next()) {
        if (*item != expected) {
            fmt::print(stderr, "echo_thread: expected {}, got {}\n", expected, *item);
            co_return -1;
        }
        if (++expected % 1000 == 0) fmt::print("{}\n", expected);
    }
    co_return expected;
}

// Ends both sides, however the program ends: the thread does not wait any more.
struct Closer {
    Queue& there;
    Queue& back;
    ~Closer() {
        there.close();
        back.close();
    }
};

// The queues are those of main(), as the task `send` may use them until the loop ends.
static rouse::Task<int> run_example(Queue& there, Queue& back, int count) {
    const auto start = std::chrono::steady_clock::now();
    std::jthread thread{echo, std::ref(there), std::ref(back)};
    const Closer closer{there, back}; // destroyed before the thread is joined
    rouse::create_task(send(there, count));
    const int received = co_await check(back);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (received < 0) co_return 1;
    fmt::print("{} of {} items there and back in order, {:.0f} a second\n", received, count,
               received / seconds.count());
    co_return 0;
}

int main(int argc, char** argv) {
    constexpr auto usage = "echo_thread [count]: count is a whole number from 1";
    if (const auto status = example::wrong_arguments(argc, argv, 1, usage)) return *status;
    const auto count = example::count_argument(argc, argv, 100'000);
    if (!count) return example::refuse(usage);
    Queue there, back;
    return example::run_main("echo_thread", [&] { return run_example(there, back, *count); });
}
