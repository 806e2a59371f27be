// How the cost of one thing grows with the number of things, 1 to a million: tasks, timers, waiters.
#include <memory>
#include <string>
#include <vector>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_tasks.hpp"
#include "placement.hpp"
#include "scale_check.hpp"
#include "scale_timers.hpp"
#include "scale_waiters.hpp"
#if HAVE_ASIO
#include "peer_asio_scale.hpp"
#endif

namespace {

using bench::Comparison;
using bench::ns_each;
using rouse::Task;
using rouse::TaskHandle;
using scale::times;

constexpr long up_to = 1'000'000;

// ---- tasks that yield; the first measures whole laps of all -----------------------------------------------------

floor_of::Task floor_yields(long count) {
    for (long i = 0; i < count; ++i) co_await floor_of::Yield{};
    co_return 0;
}
floor_of::Task floor_timed_yields(long count, scale::Stopwatch& watch) {
    co_await floor_of::Yield{};
    watch.start();
    for (long i = 0; i < count; ++i) co_await floor_of::Yield{};
    watch.stop();
    co_return 0;
}
double floor_switches(long n, long laps) {
    scale::Stopwatch watch;
    std::vector<floor_of::Task> all;
    all.reserve(static_cast<std::size_t>(n));
    floor_of::Task::queue(all.emplace_back(floor_timed_yields(laps, watch)).frame);
    for (long i = 1; i < n; ++i) floor_of::Task::queue(all.emplace_back(floor_yields(laps + 1)).frame);
    floor_of::fifo.run();
    return watch.ns_each(n * laps);
}

Task<> yields(long count) {
    for (long i = 0; i < count; ++i) co_await rouse::yield();
}
Task<double> switches(long n, long laps) {
    for (long i = 1; i < n; ++i) rouse::create_task(yields(laps + 1));
    co_await rouse::yield();
    scale::Stopwatch watch;
    watch.start();
    for (long i = 0; i < laps; ++i) co_await rouse::yield();
    watch.stop();
    co_await rouse::yield(); // the others end before
    co_return watch.ns_each(n * laps);
}

// ---- tasks that are created all at once and end -----------------------------------------------------------------

floor_of::Task floor_one(long value) { co_return value; }
void floor_create(long n, long batches) {
    std::vector<floor_of::Task> all;
    all.reserve(static_cast<std::size_t>(n));
    for (long batch = 0; batch < batches; ++batch) {
        for (long i = 0; i < n; ++i) floor_of::Task::queue(all.emplace_back(floor_one(1)).frame);
        floor_of::fifo.run();
        long sum = 0;
        for (const floor_of::Task& task : all) sum += task.frame.promise().value;
        scale::check("floor, tasks created", sum, n);
        all.clear();
    }
}
Task<> create(long n, long batches) {
    std::vector<TaskHandle<long>> all;
    all.reserve(static_cast<std::size_t>(n));
    for (long batch = 0; batch < batches; ++batch) {
        for (long i = 0; i < n; ++i) all.push_back(rouse::create_task(scale::one(1)));
        long sum = 0;
        for (auto& task : all) sum += co_await task;
        scale::check("tasks created", sum, n);
        all.clear();
    }
}

struct Row {
    const bench::Options& options;

    /// For n = 1, 10, ... up to `most`: add_sides(comparison, n, loop). Each has a loop of its own, as the order in
    /// which the free frames lie depends on what a loop has done before.
    template <class F>
    void operator()(const std::string& thing, long most, F add_sides) const {
        for (long n = 1; n <= most; n *= 10) {
            Comparison comparison{"scale", fmt::format("{}, n={}", thing, n), "ns"};
            rouse::DefaultPort port;
            rouse::Loop loop{port};
            add_sides(comparison, n, loop);
            bench::Options fewer = options;
            fewer.rounds = std::min(options.rounds, n < 100'000 ? 5 : 3);
            comparison.run(fewer);
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    const Row row{options};

    row("switch between tasks", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        const long laps = std::max(times(n, 1'000'000), 2L);
        all.side("floor", [=] { return floor_switches(n, laps); });
        all.side("rouse", [=, &loop] { return loop.run(switches(n, laps)); });
#if HAVE_ASIO
        all.side("asio", [=] { return peer_asio::switches(n, std::max(laps / 4, 1L)); });
#endif
    });
    row("tasks created at once, and ended", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        const long batches = times(n, 500'000);
        all.side("floor", [=] { return ns_each(n * batches, [=] { floor_create(n, batches); }); });
        all.side("rouse", [=, &loop] { return ns_each(n * batches, [&] { loop.run(create(n, batches)); }); });
#if HAVE_ASIO
        const long fewer = times(n, 100'000);
        all.side("asio", [=] { return ns_each(n * fewer, [=] { peer_asio::create(n, fewer); }); });
#endif
    });

    row("a sleep beside other timers", up_to, [&](Comparison& all, long n, rouse::Loop&) {
        // The n timers are made when it first sleeps.
        const auto add = [&](const char* name, auto make, long count) {
            all.side(name, [=, beside = decltype(make()){}]() mutable {
                if (beside == nullptr) beside = make();
                return ns_each(count, [&] { beside->sleep(count); });
            });
        };
        add("floor", [=] { return std::make_shared<scale::FloorBeside>(n); }, 500'000);
        add("rouse", [=] { return std::make_shared<scale::Beside>(n); }, 500'000);
#if HAVE_ASIO
        add("asio, with its system calls", [=] { return std::make_shared<peer_asio::Beside>(n); }, 500);
#endif
    });
    row("a sleep, when all sleep", up_to / 10, [&](Comparison& all, long n, rouse::Loop&) {
        const long sleeps = std::max(2 * n, 100'000L);
        all.side("floor", [=] { return scale::floor_sleeps_of_all(n, sleeps); });
        all.side("rouse", [=] { return scale::sleeps_of_all(n, sleeps); });
    });

    row("an Event, each waiter", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        const long laps = std::max(times(n, 1'000'000), 2L);
        all.side("floor", [=] { return scale::floor_event(n, laps); });
        all.side("rouse", [=, &loop] { return loop.run(scale::event(n, laps)); });
    });
    row("one waiter of an Event cancelled, another begins", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        all.side("rouse", [=, &loop] { return loop.run(scale::cancel_one(n, 10'000)); });
    });
    row("select between a task that all await and an item", 10'000, [&](Comparison& all, long n, rouse::Loop& loop) {
        all.side("rouse", [=, &loop] { return loop.run(scale::leave_one_task(n, 1'000)); });
    });

    const auto in_batches = [&](const char* thing, long most, long total, Task<long> (*work)(long, long)) {
        row(thing, most, [&](Comparison& all, long n, rouse::Loop& loop) {
            const long batches = times(n, total);
            all.side("rouse", [=, &loop] {
                long done = 0;
                const double ns = ns_each(n * batches, [&] { done = loop.run(work(n, batches)); });
                scale::check(thing, done, n * batches);
                return ns;
            });
        });
    };
    in_batches("gather, each task", up_to, 200'000, scale::gather);
    in_batches("TaskGroup, each task", up_to, 200'000, scale::task_group);
    in_batches("tasks each of which awaits the one before", 1000, 10'000, scale::chain);

    const bench::Placement placement{options};
    bench::pin(0);
    row("a ThreadSafeEvent set by a thread, each waiter", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        const long laps = std::min(times(n, 200'000), 200L);
        all.side("rouse", [=, &loop] { return loop.run(scale::from_outside<scale::OneEvent>(n, laps)); });
    });
    row("ThreadSafeFlags set by a thread, each", up_to, [&](Comparison& all, long n, rouse::Loop& loop) {
        const long laps = std::min(times(n, 200'000), 200L);
        all.side("rouse", [=, &loop] { return loop.run(scale::from_outside<scale::Flags>(n, laps)); });
    });
}
