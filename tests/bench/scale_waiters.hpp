// What n tasks cost that wait in one thing: the parts of scale.cpp for which asio has nothing that compares.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_tasks.hpp"
#include "placement.hpp"
#include "scale_check.hpp"

namespace scale {

using rouse::Task;
using rouse::TaskHandle;

// ---- an Event, set on the loop: from set() until all have gone on, and wait again ----------------------------------

inline floor_of::Task floor_waiter(floor_of::Event& event, long laps) {
    for (long i = 0; i < laps; ++i) co_await event.wait();
    co_return laps;
}
inline double floor_event(long n, long laps) {
    floor_of::Event event;
    std::vector<floor_of::Task> all;
    all.reserve(static_cast<std::size_t>(n));
    for (long i = 0; i < n; ++i) floor_of::Task::queue(all.emplace_back(floor_waiter(event, laps)).frame);
    floor_of::fifo.run();
    const double ns = bench::ns_each(n * laps, [&] {
        for (long i = 0; i < laps; ++i) {
            event.set();
            floor_of::fifo.run();
        }
    });
    long woken = 0;
    for (const floor_of::Task& each : all) woken += each.frame.promise().value;
    check("floor, waiters woken", woken, n * laps);
    return ns;
}

inline Task<> waits(rouse::Event& event, long laps, long& woken) {
    for (long i = 0; i < laps; ++i) {
        co_await event.wait();
        ++woken;
    }
}
inline Task<double> event(long n, long laps) {
    rouse::Event event;
    long woken = 0;
    for (long i = 0; i < n; ++i) rouse::create_task(waits(event, laps, woken));
    co_await rouse::yield();
    Stopwatch watch;
    watch.start();
    for (long i = 0; i < laps; ++i) {
        event.set();
        event.clear();
        co_await rouse::yield(); // behind them all
    }
    watch.stop();
    check("waiters of an Event woken", woken, n * laps);
    co_return watch.ns_each(n * laps);
}

/// One of n waiters of an Event is cancelled, ends, and another begins to wait.
inline Task<double> cancel_one(long n, long count) {
    rouse::Event event;
    Random random;
    long woken = 0;
    std::vector<TaskHandle<>> all;
    for (long i = 0; i < n; ++i) all.push_back(rouse::create_task(waits(event, 1, woken)));
    co_await rouse::yield();
    Stopwatch watch;
    watch.start();
    for (long i = 0; i < count; ++i) {
        TaskHandle<>& one = all[static_cast<std::size_t>(random.below(n))];
        one.cancel();
        one = rouse::create_task(waits(event, 1, woken));
        co_await rouse::yield(); // behind both
    }
    watch.stop();
    event.set();
    co_await rouse::yield();
    check("waiters left by those cancelled", woken, n);
    co_return watch.ns_each(count);
}

// ---- a ThreadSafeEvent, or n ThreadSafeFlags, set by another thread: until the last has gone on ---------------------

/// What is set from outside; wait(i) is that of task i.
struct OneEvent {
    explicit OneEvent(long) {}
    void set() { event.set(); }
    auto wait(long) { return event.wait(); }
    void all_have_gone_on() { event.clear(); }
    rouse::ThreadSafeEvent event;
};
struct Flags {
    explicit Flags(long n) : flags(static_cast<std::size_t>(n)) {}
    void set() {
        for (rouse::ThreadSafeFlag& flag : flags) flag.set();
    }
    auto wait(long i) { return flags[static_cast<std::size_t>(i)].wait(); }
    void all_have_gone_on() {}
    std::vector<rouse::ThreadSafeFlag> flags;
};

template <class Set>
struct FromOutside {
    FromOutside(long number, long rounds) : n{number}, laps{rounds}, set{number} {}

    Task<> wait(long i) {
        for (long lap = 0; lap < laps; ++lap) {
            if (++waiting == n) {
                waiting = 0;
                all_wait.store(lap + 1, std::memory_order_release);
            }
            co_await set.wait(i);
            if (++woken == n) {
                woken = 0;
                ns += std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - set_at).count();
                set.all_have_gone_on();
            }
            co_await rouse::yield(); // until all have gone on
        }
        ++ended;
    }

    void feed() {
        bench::pin(1);
        for (long lap = 0; lap < laps; ++lap) {
            while (all_wait.load(std::memory_order_acquire) != lap + 1) {
            }
            const auto start =
                std::chrono::steady_clock::now() + std::chrono::microseconds{20}; // the loop falls asleep
            while ((set_at = std::chrono::steady_clock::now()) < start) {
            }
            set.set();
        }
    }

    Task<double> run() {
        std::vector<TaskHandle<>> all;
        std::thread feeder{[this] { feed(); }};
        for (long i = 0; i < n; ++i) all.push_back(rouse::create_task(wait(i)));
        for (auto& each : all) co_await each;
        feeder.join();
        check("waiters woken from outside", ended, n);
        co_return ns / static_cast<double>(n * laps);
    }

    const long n, laps;
    Set set;
    std::atomic<long> all_wait{0};                // the laps for which all have begun to wait
    std::chrono::steady_clock::time_point set_at; // written by the feeder before it sets
    long waiting = 0, woken = 0, ended = 0;
    double ns = 0;
};

template <class Set>
Task<double> from_outside(long n, long laps) {
    const auto work = std::make_unique<FromOutside<Set>>(n, laps);
    co_return co_await work->run();
}

// ---- tasks that are waited for -------------------------------------------------------------------------------------

inline Task<long> one(long value) { co_return value; }
inline Task<> add_one(long& sum) {
    ++sum;
    co_return;
}

inline Task<long> gather(long n, long batches) {
    long sum = 0;
    for (long batch = 0; batch < batches; ++batch) {
        std::vector<Task<long>> all;
        for (long i = 0; i < n; ++i) all.push_back(one(1));
        for (const long value : co_await rouse::gather(std::move(all))) sum += value;
    }
    co_return sum;
}

inline Task<long> task_group(long n, long batches) {
    long sum = 0;
    const auto body = [&](rouse::TaskGroup& group) -> Task<> {
        for (long i = 0; i < n; ++i) group.create_task(add_one(sum));
        co_return;
    };
    for (long batch = 0; batch < batches; ++batch) co_await rouse::TaskGroup::run(body);
    co_return sum;
}

/// n tasks wait for one task, say that which ends a program; each in turn gives that up and begins again, as something
/// else that it waits for comes first.
inline Task<> works_until(TaskHandle<> end, rouse::Queue<long>& work, long& done) {
    for (;;) {
        const auto first = co_await rouse::select(end, work.get());
        if (first.index() == 0) co_return;
        ++done;
    }
}
inline Task<> ended_by(rouse::Event& event) { co_await event.wait(); }
inline Task<double> leave_one_task(long n, long count) {
    rouse::Event end;
    rouse::Queue<long> work;
    long done = 0;
    const TaskHandle<> until = rouse::create_task(ended_by(end));
    for (long i = 0; i < n; ++i) rouse::create_task(works_until(until, work, done));
    co_await rouse::yield();
    Stopwatch watch;
    watch.start();
    for (long i = 0; i < count; ++i) {
        check("an item put", work.put_nowait(i), 1);
        co_await rouse::yield();
    }
    watch.stop();
    end.set();
    co_await until;
    co_await rouse::yield();
    check("work done beside a task that is waited for", done, count);
    co_return watch.ns_each(count);
}

/// A chain of n tasks each of which awaits the one before.
inline Task<long> link(TaskHandle<long> before) {
    const long value = co_await before;
    co_return value + 1;
}
inline Task<long> waits_for(rouse::Event& event) {
    co_await event.wait();
    co_return 0;
}
inline Task<long> chain(long n, long batches) {
    long sum = 0;
    for (long batch = 0; batch < batches; ++batch) {
        rouse::Event event;
        TaskHandle<long> last = rouse::create_task(waits_for(event));
        for (long i = 0; i < n; ++i) last = rouse::create_task(link(last));
        co_await rouse::yield();
        event.set();
        sum += co_await last;
    }
    co_return sum;
}

} // namespace scale
