// simulation: random programs of tasks, checked step by step against a table of what each operation means.
//
//     simulation [--programs N] [--seed S] [--expect-failure]
//
// Program i has the seed S + i, so one that failed is run again by `--seed <its seed> --programs 1`. A program that
// fails is shrunk, and printed with what was expected and what happened.
#include <chrono>
#include <cinttypes>
#include <cstdlib>

#include "shrink.hpp"

using namespace simulation;

namespace {

bool check_all(std::uint64_t seed, std::uint64_t programs) {
    Shared& s = shared();
    for (std::uint64_t i = 0; i < programs; ++i) {
        if (i % 1024 == 0) must_end_in(20);
        s.programs = i + 1;
        s.verdict = check(generate(seed + i), s.expected, s.actual);
        if (s.verdict.fault != nullptr) return false;
        s.operations += s.actual.operations;
    }
    return true;
}

// Not reproduced by itself: then it needs what the programs before it have left behind.
void report(std::uint64_t seed, const std::string& fault) {
    const Program program = generate(seed);
    std::printf("failed: program %" PRIu64 ", seed %" PRIu64 ": %s\n", shared().programs, seed, fault.c_str());
    if (fault_of(program).empty()) {
        std::printf("(only after those before it)\n%s", to_text(program).c_str());
        return;
    }
    const Program smallest = Shrinking{program}.smallest();
    const std::string remains = fault_of(smallest, true);
    std::printf("shrunk to %d steps: %s\n%s", smallest.steps(), remains.c_str(), to_text(smallest).c_str());
    std::printf("%s", difference(smallest, shared().expected, shared().actual).c_str());
}

} // namespace

int main(int count, char** arguments) {
    std::uint64_t programs = 100'000;
    std::uint64_t seed = 1;
    bool failure_expected = false;
    for (int i = 1; i < count; ++i) {
        const std::string option = arguments[i];
        if (option == "--expect-failure") {
            failure_expected = true;
        } else if ((option == "--programs" || option == "--seed") && i + 1 < count) {
            (option == "--seed" ? seed : programs) = std::strtoull(arguments[++i], nullptr, 10);
        } else {
            std::fprintf(stderr, "usage: simulation [--programs N] [--seed S] [--expect-failure]\n");
            return 2;
        }
    }
    const auto start = std::chrono::steady_clock::now();
    const std::string fault = in_child(programs == 1, [=] { return check_all(seed, programs); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    std::printf("%" PRIu64 " programs, %" PRIu64 " operations, %.1f seconds%s\n", shared().programs,
                shared().operations, time.count(), with_exceptions ? "" : " (without exceptions)");
    if (!fault.empty()) report(seed + shared().programs - 1, fault);
    return fault.empty() == failure_expected;
}
