// A thread that is being cancelled makes foreign calls while the loop sleeps. They are no cancellation points: the
// program does not end, and each wake arrives, before the thread goes.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include <rouse/rouse.hpp>

#include "support/counting_port.hpp"
#include "support/spin.hpp"

using namespace rouse;

namespace {

constexpr int rounds = 2000;
constexpr int threads = 300;

test::CountingPort* port = nullptr;
ThreadSafeFlag flag;
ThreadSafeEvent event;
ThreadSafeQueue<int, 1> to_task, from_task, to_thread;
std::atomic<int> answers{0};
std::atomic<long> calls{0};

Task<> answer_flag() {
    for (;;) {
        co_await flag.wait();
        ++answers;
    }
}

Task<> answer_event() {
    for (;;) {
        co_await event.wait();
        event.clear();
        ++answers;
    }
}

Task<> answer_put() {
    for (;;) {
        const auto item = co_await to_task.next();
        if (!item) break;
        ++answers;
    }
}

Task<> answer_get() {
    for (;;) {
        const bool put = co_await from_task.put(0);
        if (!put) break;
        ++answers;
    }
}

Task<> everyone(ThreadSafeEvent& stop) {
    create_task(answer_flag());
    create_task(answer_event());
    create_task(answer_put());
    create_task(answer_get());
    co_await stop.wait();
}

// One foreign call, which is answered once. Nothing in here is a cancellation point.
void ask(int round) {
    const int before = answers;
    const int kind = round % 5;
    while (kind < 4 && !port->sleeping) {
    }
    switch (kind) {
    case 0: flag.set(); break;
    case 1: event.set(); break;
    case 2: (void)to_task.put_sync(round); break;
    case 3: (void)from_task.get_sync(); break;
    default:
        test::spin(20'000); // the thread is asleep
        (void)to_thread.put_sync(round);
    }
    ++calls;
    while (answers == before) {
    }
}

void* ask_while_cancelled(void*) {
    pthread_cancel(pthread_self()); // from here on it is pending
    for (int round = 0; round < rounds; ++round) ask(round);
    pthread_testcancel();
    return nullptr;
}

void* ask_until_cancelled(void*) {
    for (int round = 0;; ++round) {
        ask(round);
        pthread_testcancel();
    }
}

bool is_cancelled(pthread_t thread) {
    void* result = nullptr;
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

} // namespace

int main() {
    alarm(60); // a wake that was lost is a hang
    ThreadSafeEvent stop;
    std::thread loop_thread{[&] {
        test::CountingPort own;
        port = &own;
        Loop loop{own};
        loop.run(everyone(stop));
    }};
    std::thread blocked{[] {
        while (to_thread.get_sync(block)) ++answers;
    }};
    while (answers == 0) { // the first put that nobody asked for
    }
    int cancelled = 0;
    pthread_t thread{};
    pthread_create(&thread, nullptr, ask_while_cancelled, nullptr);
    cancelled += is_cancelled(thread);
    const int wakes = port->wakes;

    std::mt19937 dice{1};
    for (int i = 0; i < threads; ++i) {
        pthread_create(&thread, nullptr, ask_until_cancelled, nullptr);
        usleep(static_cast<useconds_t>(dice() % 200));
        pthread_cancel(thread);
        cancelled += is_cancelled(thread);
    }
    stop.set();
    to_thread.close();
    loop_thread.join();
    blocked.join();
    const bool well = cancelled == threads + 1 && answers == calls + 1 && wakes >= rounds * 4 / 5;
    std::printf(
        "cancel: %d threads cancelled, one of them before %d calls that woke a loop %d times; %ld calls, %d "
        "answers\n",
        cancelled, rounds, wakes, calls.load(), answers - 1);
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
