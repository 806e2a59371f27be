// What the sleepers of all sides have in common: how long each sleeps, and what is noted when it goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "comparison.hpp"
#include "floor_timers.hpp"

namespace bench {

inline constexpr long sleepers = 100'000;

/// So many are started at a time; in between, the loop has a turn.
inline constexpr long batch = 64;

/// A pseudo-random number for each i: splitmix64.
inline std::uint64_t scattered(std::uint64_t i) {
    i = (i + 1) * 0x9e3779b97f4a7c15;
    i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9;
    i = (i ^ (i >> 27)) * 0x94d049bb133111eb;
    return i ^ (i >> 31);
}

/// How long task i sleeps: 0 to 100 ms, in nanoseconds.
inline std::int64_t sleep_of(long i) {
    return static_cast<std::int64_t>(scattered(static_cast<std::uint64_t>(i)) % 100'000'000);
}

/// The wakes of one round. Only every 16th task reads the clock for it, so that the reading does not hide the work.
class Wakes {
public:
    /// Before task i sleeps; the result is for woken().
    [[nodiscard]] static std::int64_t due(long i, std::int64_t ns) { return i % 16 == 0 ? floor_of::now_ns() + ns : 0; }

    /// Returns true for the last one.
    bool woken(std::int64_t due) {
        if (due != 0) late_us_.push_back(static_cast<double>(floor_of::now_ns() - due) / 1000);
        return ++count_ == sleepers;
    }

    /// The CPU time of work() for each sleep, beside the median lateness; the 99th percentile goes to `worst`.
    template <class F>
    Sample measure(std::vector<double>& worst, F work) {
        count_ = 0;
        late_us_.clear();
        late_us_.reserve(sleepers / 16 + 1);
        const double start = thread_cpu_ns();
        work();
        const double each = (thread_cpu_ns() - start) / static_cast<double>(sleepers);
        if (count_ != sleepers) {
            fmt::print(stderr, "{} of {} sleepers have woken\n", count_, sleepers);
            std::exit(1);
        }
        const auto rank = late_us_.begin() + static_cast<std::ptrdiff_t>(late_us_.size() * 99 / 100);
        std::nth_element(late_us_.begin(), rank, late_us_.end());
        worst.push_back(*rank);
        return {each, median(late_us_)};
    }

private:
    long count_ = 0;
    std::vector<double> late_us_;
};

inline Wakes wakes;

} // namespace bench
