// Where the two cores are: the round trip of a cache line between them, before and after a threaded run. A virtual
// machine is moved about by its host, and then figures of two threads change several times over: near is about 110 ns,
// far 700.
#pragma once

#include <atomic>
#include <thread>

#include <pthread.h>
#include <sched.h>

#include "comparison.hpp"

namespace bench {

/// Binds the calling thread to a core, counted from 0.
inline void pin(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// Lets the calling thread run on any core again.
inline void unpin() {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned core = 0; core < std::thread::hardware_concurrency(); ++core) CPU_SET(core, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// The round trip of a cache line between cores 0 and 1, in nanoseconds.
inline double cache_line_round_trip_ns() {
    constexpr long trips = 200'000;
    alignas(64) std::atomic<long> ball{0};
    std::thread other{[&] {
        pin(1);
        for (long i = 0; i < trips; ++i) {
            while (ball.load(std::memory_order_acquire) != 2 * i + 1) {
            }
            ball.store(2 * i + 2, std::memory_order_release);
        }
    }};
    pin(0);
    const double result = ns_each(trips, [&] {
        for (long i = 0; i < trips; ++i) {
            ball.store(2 * i + 1, std::memory_order_release);
            while (ball.load(std::memory_order_acquire) != 2 * i + 2) {
            }
        }
    });
    other.join();
    unpin();
    return result;
}

/// Prints (and with --out records, as row "placement") the round trip when it is made and when it is destroyed.
class Placement {
public:
    explicit Placement(const Options& options) : options_{options} { tell("before"); }
    ~Placement() { tell("after"); }
    Placement(const Placement&) = delete;
    Placement& operator=(const Placement&) = delete;

private:
    void tell(const char* when) const {
        const double ns = cache_line_round_trip_ns();
        fmt::print("round trip of a cache line between the cores, {}: {:.0f} ns\n", when, ns);
        if (options_.out.empty()) return;
        if (std::FILE* file = std::fopen(options_.out.c_str(), "a")) {
            fmt::print(file, "placement\tround trip of a cache line\tns\t0\t\t{}\t0\t{}\tnan\n", when, ns);
            std::fclose(file);
        }
    }

    const Options& options_;
};

} // namespace bench
