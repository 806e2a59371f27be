// P1 create, run and await tasks one by one; P2 await a child; P3 switch between tasks that yield.
#include <vector>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_tasks.hpp"
#if HAVE_ASIO
#include "peer_asio_tasks.hpp"
#endif

namespace {

using bench::Comparison;
using bench::ns_each;
using rouse::Task;

// The children are not inlined, on any side: as if they were in another file. clang would else put the frame of the
// floor's child into its parent's.

namespace by_floor {
using Task = floor_of::Task;

[[gnu::noinline]] Task child(long value) { co_return value; }

Task tasks(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) {
        Task task = child(i);
        sum += co_await task.spawned();
    }
    co_return sum;
}

Task children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await child(i);
    co_return sum;
}

[[gnu::noinline]] floor_of::Transferred transferred_child(long value) { co_return value; }

floor_of::Transferred transferred_children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await transferred_child(i);
    co_return sum;
}

Task yielder(long count) {
    for (long i = 0; i < count; ++i) co_await floor_of::Yield{};
    co_return count;
}

long run(Task main) {
    Task::queue(main.frame);
    floor_of::fifo.run();
    return main.frame.promise().value;
}

long switch_between(int tasks, long each) {
    std::vector<Task> all;
    for (int i = 0; i < tasks; ++i) Task::queue(all.emplace_back(yielder(each)).frame);
    floor_of::fifo.run();
    long switches = 0;
    for (const Task& task : all) switches += task.frame.promise().value;
    return switches;
}
} // namespace by_floor

namespace by_rouse {
[[gnu::noinline]] Task<long> child(long value) { co_return value; }

Task<long> tasks(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await rouse::create_task(child(i));
    co_return sum;
}

Task<long> children(long count) {
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += co_await child(i);
    co_return sum;
}

Task<long> yielder(long count) {
    for (long i = 0; i < count; ++i) co_await rouse::yield();
    co_return count;
}

Task<long> switch_between(int tasks, long each) {
    std::vector<rouse::TaskHandle<long>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(rouse::create_task(yielder(each)));
    long switches = 0;
    for (auto& task : all) switches += co_await task;
    co_return switches;
}
} // namespace by_rouse

// The nanoseconds of each of `count` pieces of work; work() returns a sum by which it shows that it was done.
template <class F>
double measured(long count, long sum_of_all, F work) {
    long sum = 0;
    const double ns = ns_each(count, [&] { sum = work(); });
    if (sum != sum_of_all) {
        fmt::print(stderr, "tasks: work was lost: {} instead of {}\n", sum, sum_of_all);
        std::abort();
    }
    return ns;
}

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    rouse::DefaultPort port;
    rouse::Loop loop{port};

    constexpr long tasks = 1'000'000;
    constexpr long sum_of_tasks = tasks * (tasks - 1) / 2;
    const auto measured_tasks = [](auto work) { return measured(tasks, sum_of_tasks, work); };
    Comparison one_by_one{"P1", "create, run and await a task", "ns", 1.3};
    one_by_one.side("floor", [&] { return measured_tasks([] { return by_floor::run(by_floor::tasks(tasks)); }); });
    one_by_one.side("rouse", [&] { return measured_tasks([&] { return loop.run(by_rouse::tasks(tasks)); }); });
#if HAVE_ASIO
    one_by_one.side("asio", [&] { return measured_tasks([] { return peer_asio::run(peer_asio::tasks(tasks)); }); });
#endif
    one_by_one.run(options);

    constexpr long children = 5'000'000;
    constexpr long sum_of_children = children * (children - 1) / 2;
    const auto measured_children = [](auto work) { return measured(children, sum_of_children, work); };
    Comparison in_place{"P2", "await a child", "ns", 1.3};
    in_place.side("floor",
                  [&] { return measured_children([] { return by_floor::run(by_floor::children(children)); }); });
    in_place.side("floor, symmetric transfer",
                  [&] { return measured_children([] { return by_floor::transferred_children(children).run(); }); });
    in_place.side("rouse", [&] { return measured_children([&] { return loop.run(by_rouse::children(children)); }); });
#if HAVE_ASIO
    in_place.side("asio",
                  [&] { return measured_children([] { return peer_asio::run(peer_asio::children(children)); }); });
#endif
    in_place.run(options);

    for (const int n : {2, 10, 100, 1000}) {
        const long each = 5'000'000 / n;
        const auto measured_switches = [=](auto work) { return measured(n * each, n * each, work); };
        Comparison switches{"P3", fmt::format("switch between {} tasks", n), "ns", 1.5};
        switches.side("floor", [=] { return measured_switches([=] { return by_floor::switch_between(n, each); }); });
        switches.side("rouse", [=, &loop] {
            return measured_switches([=, &loop] { return loop.run(by_rouse::switch_between(n, each)); });
        });
#if HAVE_ASIO
        switches.side("asio", [=] {
            const long fewer = each / 5;
            return measured(n * fewer, n * fewer, [=] { return peer_asio::switch_between(n, fewer); });
        });
#endif
        switches.run(options);
    }
}
