// One piece of work, done so often, for valgrind to count its instructions: see instructions.sh.
//
//   instructions WORK TIMES
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#include "chosen.hpp"

namespace {

using namespace rouse;
using namespace std::chrono_literals;

volatile long sink = 0;

Task<int> one() { co_return 1; }
Task<> end_at_once() { co_return; }

Task<> await_children(long times) {
    for (long i = 0; i < times; ++i) sink = sink + co_await one();
}

Task<> await_tasks(long times) {
    for (long i = 0; i < times; ++i) co_await create_task(end_at_once());
}

Task<> yields(long times) {
    for (long i = 0; i < times; ++i) co_await yield();
}

// A switch between ten tasks, each of which has its turn a tenth of the times.
Task<> switches(long times) {
    TaskHandle<> tasks[10];
    for (auto& task : tasks) task = create_task(yields(times / 10));
    for (auto& task : tasks) co_await task;
}

// Among a thousand sleepers, one sleeps, in virtual time.
Task<> sleeps(long times) {
    for (int i = 0; i < 1000; ++i) create_task([](int n) -> Task<> { co_await sleep(1h + n * 1ms); }(i));
    co_await yield();
    for (long i = 0; i < times; ++i) co_await sleep(1ms);
}

// Among a thousand sleepers, a time limit is set and not reached.
Task<> time_limits(long times) {
    for (int i = 0; i < 1000; ++i) create_task([](int n) -> Task<> { co_await sleep(1h + n * 1ms); }(i));
    co_await yield();
    ThreadSafeFlag flag;
    for (long i = 0; i < times; ++i) {
        flag.set();
        const auto outcome = co_await try_wait_for(flag.wait(), 1s);
        sink = sink + outcome.has_value();
    }
}

Task<> sets(long times) {
    ThreadSafeFlag flag;
    for (long i = 0; i < times; ++i) flag.set();
    co_return;
}

Task<> set_and_wait(long times) {
    ThreadSafeFlag flag;
    for (long i = 0; i < times; ++i) {
        flag.set();
        co_await flag.wait();
    }
}

// Two tasks that rouse each other by flags, half of the times each: a set() finds a waiter, whose loop sleeps.
Task<> answers(ThreadSafeFlag& mine, ThreadSafeFlag& other, long times) {
    for (long i = 0; i < times; ++i) {
        co_await mine.wait();
        other.set();
    }
}
Task<> wakes(long times) {
    ThreadSafeFlag a, b;
    const auto first = create_task(answers(a, b, times / 2));
    const auto second = create_task(answers(b, a, times / 2));
    a.set();
    co_await first;
    co_await second;
}

Task<> puts_and_gets(long times) {
    ThreadSafeQueue<std::uint64_t, 1024> queue;
    for (long i = 0; i < times; ++i) {
        sink = sink + queue.put_sync(static_cast<std::uint64_t>(i));
        sink = sink + static_cast<long>(queue.get_sync().value_or(0));
    }
    co_return;
}

Task<> locks(long times) {
    Lock lock;
    for (long i = 0; i < times; ++i) const auto guard = co_await lock.scoped();
}

struct Work {
    const char* name;
    Task<> (*run)(long times);
};
constexpr Work all[] = {
    {"await a child", await_children},
    {"create, run and await a task", await_tasks},
    {"switch between ten tasks", switches},
    {"sleep, beside 1000 sleepers", sleeps},
    {"a time limit that is not reached, beside 1000 sleepers", time_limits},
    {"set() of a flag", sets},
    {"set() and wait of a flag that is set", set_and_wait},
    {"a set() that rouses a task, to its resumption", wakes},
    {"put_sync and get_sync", puts_and_gets},
    {"a lock that is free", locks},
};

} // namespace

int main(int argc, char** argv) {
    const Work& work = bench::chosen(all, "instructions [WORK TIMES]", argc, argv);
    VirtualTimePort port;
    Loop loop{port};
    loop.run(work.run(std::atol(argv[2])));
    return 0;
}
