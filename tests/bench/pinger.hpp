// What every side of wakes.cpp is driven by: a thread that pings, and one that signals.
//
// A side is a class made on the thread of its loop, core 0, with
//     ping()                        from another thread: wakes the loop; as often as it is called, if each is answered
//     serve(pings, answer)          runs the loop, which answers each ping by answer.wake()
//     stay_awake(rounds, done)      runs the loop, which meanwhile has something to do of its own, until `done`
#pragma once

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "comparison.hpp"
#include "floor_wakes.hpp"
#include "placement.hpp"

namespace bench {

/// What a loop has to do of its own: one long piece of work, or short ones without end, one each time round.
enum class Rounds { one, many };

/// A wake that is lost leaves somebody waiting for ever: then the program ends, by SIGALRM.
class Watchdog {
public:
    Watchdog() { ::alarm(20); }
    ~Watchdog() { ::alarm(0); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
};

[[noreturn]] inline void fail(const char* what) {
    fmt::print(stderr, "failed: {}\n", what);
    std::_Exit(1);
}

/// How many write system calls the kernel has counted for this thread: by these a loop is woken.
inline double writes_of_this_thread() {
    double writes = 0;
    if (std::FILE* io = std::fopen("/proc/thread-self/io", "r")) {
        char line[64];
        while (std::fgets(line, sizeof line, io) != nullptr) {
            if (std::strncmp(line, "syscw:", 6) == 0) writes = std::atof(line + 6);
        }
        std::fclose(io);
    }
    return writes;
}

/// Leaves the loop alone for 20 us, or it is not asleep yet. Awake if it has a core of its own; if it shares ours, it
/// can only go to sleep when we do.
inline void leave_alone(bool one_core) {
    if (one_core) {
        const timespec gap{0, 20'000};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, nullptr);
        return;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds{20};
    while (std::chrono::steady_clock::now() < end) {
    }
}

/// From the ping to the answer in microseconds, the median of a round; and the CPU time of the loop's thread, in ns for
/// each ping.
template <class Side>
Sample round_trip(bool one_core) {
    constexpr long pings = 1000;
    const Watchdog watchdog;
    std::vector<double> times;
    times.reserve(pings);
    floor_of::Futex answer;
    pin(0);
    Side side;
    std::thread pinger{[&] {
        pin(one_core ? 0 : 1);
        ::prctl(PR_SET_TIMERSLACK, 1UL);
        for (long i = 0; i < pings; ++i) {
            leave_alone(one_core);
            times.push_back(ns_each(1000, [&] {
                side.ping();
                answer.wait();
            }));
        }
    }};
    const double before = thread_cpu_ns();
    side.serve(pings, answer);
    const double cpu = (thread_cpu_ns() - before) / pings;
    pinger.join();
    unpin();
    if (times.size() != pings) fail("a ping was answered too often");
    return {median(times), cpu};
}

/// The time of one signal to a loop that is awake, in nanoseconds; and the system calls of a thousand.
template <class Side>
Sample signal(long count, Rounds rounds) {
    const Watchdog watchdog;
    double ns = 0;
    double writes = 0;
    std::atomic<bool> awake{false};
    std::atomic<bool> done{false};
    pin(0);
    Side side;
    std::thread signaller{[&] {
        pin(1);
        while (!awake) {
        }
        const double before = writes_of_this_thread();
        ns = ns_each(count, [&] {
            for (long i = 0; i < count; ++i) side.ping();
        });
        writes = writes_of_this_thread() - before;
        done = true;
    }};
    const long taken = side.stay_awake(rounds, awake, done);
    signaller.join();
    unpin();
    if (taken < 1 || taken > count) fail("a signal was lost, or taken twice");
    return {ns, 1000 * writes / static_cast<double>(count)};
}

} // namespace bench
