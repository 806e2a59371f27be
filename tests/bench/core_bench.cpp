// What the core costs beside the least code that does the same: children, tasks, switches, a signal, the queue.
// Floor and rouse are run in turn; printed are the medians of nine rounds and the median of the ratios.
//
//   core_bench
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "floor.hpp"

namespace {

using rouse::Task;

template <class F>
double ns_each(long count, F work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           static_cast<double>(count);
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

template <class Floor, class Rouse>
void compare(const std::string& what, long count, Floor floor, Rouse rouse) {
    std::vector<double> floors, ours, ratios;
    for (int round = 0; round < 9; ++round) {
        floors.push_back(ns_each(count, [&] { floor(count); }));
        ours.push_back(ns_each(count, [&] { rouse(count); }));
        ratios.push_back(ours.back() / floors.back());
    }
    fmt::print("{:34} floor {:6.2f} ns   rouse {:6.2f} ns   ratio {:.2f}\n", what, median(floors), median(ours),
               median(ratios));
}

void run_floor(floor_of::Task main) {
    main.frame.promise().frame = main.frame;
    floor_of::fifo.push(main.frame.promise());
    floor_of::fifo.run();
}

floor_of::Task floor_child(int n) { co_return n; }
Task<int> child(int n) { co_return n; }
volatile long sink = 0;

floor_of::Task floor_children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await floor_child(1);
    sink = sum;
    co_return 0;
}
Task<> children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await child(1);
    sink = sum;
}

floor_of::Task floor_tasks(long count) {
    for (long i = 0; i < count; ++i) {
        floor_of::Task task = floor_child(1);
        co_await task.spawned();
    }
    co_return 0;
}
Task<> tasks(long count) {
    for (long i = 0; i < count; ++i) co_await rouse::create_task(child(1));
}

floor_of::Task floor_yielder(long count) {
    for (long i = 0; i < count; ++i) co_await floor_of::Yield{};
    co_return 0;
}
Task<> yielder(long count) {
    for (long i = 0; i < count; ++i) co_await rouse::yield();
}

void switches(int tasks_at_once) {
    const auto floor = [=](long count) {
        std::vector<floor_of::Task> all;
        for (int i = 0; i < tasks_at_once; ++i) {
            all.push_back(floor_yielder(count / tasks_at_once));
            all.back().frame.promise().frame = all.back().frame;
            floor_of::fifo.push(all.back().frame.promise());
        }
        floor_of::fifo.run();
    };
    const auto ours = [=](long count) {
        const auto main = [](int n, long each) -> Task<> {
            std::vector<rouse::TaskHandle<>> all;
            for (int i = 0; i < n; ++i) all.push_back(rouse::create_task(yielder(each)));
            for (auto& task : all) co_await task;
        };
        rouse::run(main(tasks_at_once, count / tasks_at_once));
    };
    compare(fmt::format("switch between {} tasks", tasks_at_once), 2'000'000, floor, ours);
}

} // namespace

int main() {
    compare(
        "await a child", 2'000'000, [](long n) { run_floor(floor_children(n)); },
        [](long n) { rouse::run(children(n)); });
    compare(
        "create, run and await a task", 1'000'000, [](long n) { run_floor(floor_tasks(n)); },
        [](long n) { rouse::run(tasks(n)); });
    for (const int n : {2, 10, 100, 1000}) switches(n);

    std::atomic<std::uintptr_t> word{0};
    rouse::ThreadSafeFlag flag;
    compare(
        "set() while the loop is busy", 5'000'000,
        [&](long n) {
            while (n-- > 0) word.exchange(1, std::memory_order_acq_rel);
        },
        [&](long n) {
            while (n-- > 0) flag.set();
        });

    floor_of::Ring<std::uint64_t, 1024> ring;
    rouse::ThreadSafeQueue<std::uint64_t, 1024> queue;
    compare(
        "queue between two threads, an item", 4'000'000,
        [&](long count) {
            std::jthread producer{[&] {
                for (long i = 0; i < count;) i += ring.put(static_cast<std::uint64_t>(i));
            }};
            std::uint64_t item = 0;
            for (long i = 0; i < count;) i += ring.get(item);
        },
        [&](long count) {
            std::jthread producer{[&] {
                for (long i = 0; i < count;) i += queue.put_sync(static_cast<std::uint64_t>(i));
            }};
            for (long i = 0; i < count;) i += queue.get_sync().has_value();
        });
}
