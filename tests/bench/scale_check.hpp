// What the parts of scale.cpp have in common.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include <fmt/core.h>

namespace scale {

/// Ends the program if work was lost.
inline void check(const char* what, long done, long expected) {
    if (done == expected) return;
    fmt::print(stderr, "scale: {}: {} instead of {}\n", what, done, expected);
    std::abort();
}

/// So often is work that concerns n things repeated to make about `total`.
inline long times(long n, long total) { return std::max(total / n, 1L); }

/// The nanoseconds from start() to stop().
class Stopwatch {
public:
    void start() { started_ = Clock::now(); }
    void stop() { ns_ = std::chrono::duration<double, std::nano>(Clock::now() - started_).count(); }
    [[nodiscard]] double ns_each(long count) const { return ns_ / static_cast<double>(count); }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point started_;
    double ns_ = 0;
};

/// Counts to `total`, and measures all but the first quarter.
class Meter {
public:
    explicit Meter(long total) : total_{total}, warm_{total / 4} {}
    /// True when the last one is done.
    bool tick() {
        if (++count_ == warm_) watch_.start();
        if (count_ != total_) return false;
        watch_.stop();
        return true;
    }
    [[nodiscard]] double ns_each() const { return watch_.ns_each(total_ - warm_); }

private:
    long total_, warm_, count_ = 0;
    Stopwatch watch_;
};

/// The same numbers for all sides: xorshift.
class Random {
public:
    long below(long end) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<long>(state_ % static_cast<std::uint64_t>(end));
    }

private:
    std::uint64_t state_ = 88172645463325252;
};

} // namespace scale
