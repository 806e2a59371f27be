// The timers of scale.cpp, in virtual time: the clock jumps to the next deadline. The floor is a heap of deadlines.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <vector>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#include "floor_tasks.hpp"
#include "floor_timers.hpp"
#include "scale_check.hpp"

namespace scale {

using rouse::Task;
using namespace std::chrono_literals;

constexpr long up_to_1s_in_us = 1'000'000;

struct FloorTimers {
    floor_of::TimerHeap heap;
    std::int64_t now = 0;

    struct Sleep : floor_of::Sleeper {
        FloorTimers& timers;
        std::int64_t us;
        Sleep(FloorTimers& t, std::int64_t duration) : timers{t}, us{duration} {}
        bool await_ready() { return false; }
        void await_suspend(std::coroutine_handle<> sleeper) {
            frame = sleeper;
            timers.heap.add(*this, timers.now + us);
        }
        void await_resume() {}
    };
    Sleep sleep(std::int64_t us) { return {*this, us}; }

    /// Resumes the first, when it is due.
    void step() {
        now = heap.first_deadline();
        heap.pop().frame.resume();
    }
};

// ---- one sleeps beside n that are not due for long --------------------------------------------------------------

class FloorBeside {
public:
    explicit FloorBeside(long n) : others_(static_cast<std::size_t>(n)) {
        for (floor_of::Sleeper& each : others_)
            timers_.heap.add(each, 1'000'000 * up_to_1s_in_us + 1000 * random_.below(1'000'000));
    }
    void sleep(long count) {
        const floor_of::Task task = sleeps(count);
        task.frame.resume();
        while (!task.frame.done()) timers_.step();
        check("floor, sleeps", task.frame.promise().value, count);
    }

private:
    floor_of::Task sleeps(long count) {
        long done = 0;
        for (; done < count; ++done) co_await timers_.sleep(1000);
        co_return done;
    }
    Random random_;
    FloorTimers timers_;
    std::vector<floor_of::Sleeper> others_;
};

class Beside {
public:
    explicit Beside(long n) {
        for (long i = 0; i < n; ++i) loop_.create_task(sleeps_long(random_.below(1'000'000)));
    }
    void sleep(long count) { check("sleeps", loop_.run_until_complete(sleeps(count)), count); }

private:
    static Task<> sleeps_long(long beyond) { co_await rouse::sleep(1000h + beyond * 1ms); }
    static Task<long> sleeps(long count) {
        long done = 0;
        for (; done < count; ++done) co_await rouse::sleep(1ms);
        co_return done;
    }
    Random random_;
    rouse::VirtualTimePort port_;
    rouse::Loop loop_{port_};
};

// ---- n sleep, again and again, up to a second each; what is measured is a sleep of any of them ------------------

inline floor_of::Task floor_sleeper(FloorTimers& timers, Meter& meter, Random& random, bool& ended) {
    for (;;) {
        co_await timers.sleep(1 + random.below(up_to_1s_in_us));
        if (meter.tick()) ended = true;
    }
}
inline double floor_sleeps_of_all(long n, long sleeps) {
    FloorTimers timers;
    Meter meter{sleeps};
    Random random;
    bool ended = false;
    std::vector<floor_of::Task> all;
    all.reserve(static_cast<std::size_t>(n));
    for (long i = 0; i < n; ++i) all.emplace_back(floor_sleeper(timers, meter, random, ended)).frame.resume();
    while (!ended) timers.step();
    return meter.ns_each();
}

inline Task<> sleeper(Meter& meter, Random& random) {
    for (;;) {
        co_await rouse::sleep(std::chrono::microseconds{1 + random.below(up_to_1s_in_us)});
        if (meter.tick()) rouse::Loop::current().stop();
    }
}
inline double sleeps_of_all(long n, long sleeps) {
    rouse::VirtualTimePort port;
    rouse::Loop loop{port};
    Meter meter{sleeps};
    Random random;
    for (long i = 0; i < n; ++i) loop.create_task(sleeper(meter, random));
    loop.run_forever();
    return meter.ns_each();
}

} // namespace scale
