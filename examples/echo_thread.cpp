// A thread and a loop that talk through two queues of ten: the loop sends numbers, the thread sends them back, the
// loop checks that they come in order. Either side sleeps when it has nothing to do, and is woken by the other.
//
//   echo_thread [count]        the default is 100000
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <thread>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "ctrl_c.hpp"

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
        if (!co_await out.put(i)) co_return; // closed by Ctrl-C
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

static rouse::Task<> close_on_ctrl_c(Queue& there, Queue& back) {
    co_await example::interrupted().wait();
    there.close();
    back.close();
}

static rouse::Task<bool> run_example(int count) {
    Queue there, back;
    const auto start = std::chrono::steady_clock::now();
    std::jthread thread{echo, std::ref(there), std::ref(back)};
    rouse::create_task(close_on_ctrl_c(there, back));
    rouse::create_task(send(there, count));
    const int received = co_await check(back);
    there.close(); // if the order was wrong, the thread still waits
    back.close();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (received < 0) co_return false;
    fmt::print("{} of {} items there and back in order, {:.0f} a second\n", received, count,
               received / seconds.count());
    co_return true;
}

int main(int argc, char** argv) {
    const auto count = example::count_argument(argc, argv, 100'000);
    if (!count) {
        fmt::print(stderr, "usage: echo_thread [count]: count is a whole number from 1\n");
        return 2;
    }
    try {
        return rouse::run(run_example(*count)) ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "echo_thread: {}\n", error.what());
        return 1;
    }
}
