// Comparison: the same work done by several sides in turn (A B C A B C), for a row of docs/benchmarks.md.
//
//   PROGRAM                prints each row: the median and the spread of each side, and its ratio to the floor
//   PROGRAM --out FILE     also appends every measurement to FILE, for report.py
//   PROGRAM --rounds N     N rounds instead of nine
//   PROGRAM --only TEXT    only the rows in whose name TEXT is found
//   LD_PRELOAD=liballocations.so PROGRAM --allocations
//                          instead: the heap allocations of one more round of each side, once all are warm
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <time.h>

#include <fmt/core.h>

namespace bench {

/// What a side measured in one round: the figure of the row, and one beside it (lateness, CPU) if the row has it.
struct Sample {
    double value;
    double beside = std::numeric_limits<double>::quiet_NaN();

    Sample(double v) : value{v} {}
    Sample(double v, double b) : value{v}, beside{b} {}
};

/// The median; of an even number, the upper one.
inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The first and third quartile.
inline std::pair<double, double> quartiles(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {values[values.size() / 4], values[values.size() - 1 - values.size() / 4]};
}

/// The wall-clock nanoseconds that work() takes, for each of `count`.
template <class F>
double ns_each(long count, F work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           static_cast<double>(count);
}

/// The CPU time that this thread has used, in nanoseconds.
inline double thread_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// The heap allocations of this process so far, as counted by liballocations.so if it is preloaded (see
/// allocations.cpp).
inline long allocations() {
    static const auto count = reinterpret_cast<long (*)()>(::dlsym(RTLD_DEFAULT, "rouse_bench_allocations"));
    if (count == nullptr) {
        fmt::print(stderr, "--allocations needs LD_PRELOAD=liballocations.so\n");
        std::exit(2);
    }
    return count();
}

struct Options {
    std::string out;
    std::string only;
    int rounds = 9;
    bool allocations = false;

    Options(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            const std::string_view name = argv[i];
            if (name == "--allocations") {
                allocations = true;
            } else if (i + 1 < argc && name == "--out") {
                out = argv[++i];
            } else if (i + 1 < argc && name == "--only") {
                only = argv[++i];
            } else if (i + 1 < argc && name == "--rounds" && std::atoi(argv[i + 1]) > 0) {
                rounds = std::atoi(argv[++i]);
            } else {
                fmt::print(stderr, "usage: {} [--out FILE] [--rounds N] [--only TEXT] [--allocations]\n", argv[0]);
                std::exit(2);
            }
        }
    }
};

class Comparison {
public:
    /// `row` as in GOALS.md ("P1"); `goal` is the largest ratio to the floor that is asked for, 0 if none is.
    Comparison(std::string row, std::string what, std::string unit, double goal = 0, std::string beside = {})
        : row_{std::move(row)},
          what_{std::move(what)},
          unit_{std::move(unit)},
          goal_{goal},
          beside_{std::move(beside)} {}

    /// A side; the first is the floor. measure() does the work of one round and returns the figure.
    Comparison& side(std::string name, std::function<Sample()> measure) {
        sides_.push_back({std::move(name), std::move(measure), {}});
        return *this;
    }

    void run(const Options& options) {
        if ((row_ + " " + what_).find(options.only) == std::string::npos) return;
        for (Side& side : sides_) side.measure(); // warm
        if (options.allocations) {
            count_allocations();
            return;
        }
        for (int round = 0; round < options.rounds; ++round) {
            for (Side& side : sides_) side.samples.push_back(side.measure());
        }
        print();
        if (!options.out.empty()) append(options.out.c_str());
    }

private:
    struct Side {
        std::string name;
        std::function<Sample()> measure;
        std::vector<Sample> samples;
    };

    [[nodiscard]] std::vector<double> values(const Side& side, double Sample::* member) const {
        std::vector<double> all;
        for (const Sample& sample : side.samples) all.push_back(sample.*member);
        return all;
    }

    // Round by round, as the machine's mood changes more slowly than a round.
    [[nodiscard]] std::vector<double> ratios(const Side& side) const {
        std::vector<double> all;
        for (std::size_t i = 0; i < side.samples.size(); ++i)
            all.push_back(side.samples[i].value / sides_.front().samples[i].value);
        return all;
    }

    void count_allocations() {
        for (Side& side : sides_) {
            const long before = allocations();
            side.measure();
            fmt::print("{} {} | {}: {} allocations\n", row_, what_, side.name, allocations() - before);
        }
    }

    void print() const {
        fmt::print("{} {}{}\n", row_, what_, goal_ > 0 ? fmt::format(", goal {:.2f} x floor", goal_) : "");
        for (const Side& side : sides_) {
            const auto [low, high] = quartiles(values(side, &Sample::value));
            fmt::print("    {:28} {:10.2f} {:5} ({:.2f} to {:.2f})   ratio {:.2f}", side.name,
                       median(values(side, &Sample::value)), unit_, low, high, median(ratios(side)));
            if (!beside_.empty()) fmt::print("   {}: {:.1f}", beside_, median(values(side, &Sample::beside)));
            fmt::print("\n");
        }
        std::fflush(stdout);
    }

    void append(const char* name) const {
        std::FILE* file = std::fopen(name, "a");
        if (file == nullptr) {
            fmt::print(stderr, "{} cannot be written\n", name);
            std::exit(2);
        }
        for (const Side& side : sides_) {
            for (std::size_t i = 0; i < side.samples.size(); ++i) {
                fmt::print(file, "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", row_, what_, unit_, goal_, beside_, side.name,
                           i, side.samples[i].value, side.samples[i].beside);
            }
        }
        std::fclose(file);
    }

    std::string row_, what_, unit_;
    double goal_;
    std::string beside_;
    std::vector<Side> sides_;
};

} // namespace bench
