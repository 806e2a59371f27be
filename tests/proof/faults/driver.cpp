// Runs the scenario with each fault at each call.
//
//   driver                      prints what was tried, and what was wrong
//   driver --until-first        ends at the first case that is wrong: for controls, which expect one
//   driver --broken NUMBER      switches on a fault in the headers, see controls.toml
//   driver --hang-after MS      how long a case may take (60000; without faults it may always take that)
//   driver --only NAME          only the calls of this name
//
// First without faults, to count the calls. Then a process for each fault runs a case for every call; if a case hangs
// or crashes, another goes on behind it.
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.hpp"
#include "report.hpp"
#include "shim.hpp"

namespace {

using namespace faults;

// What the processes share.
struct Board {
    unsigned n = 0; // the case that runs; 0: none
    unsigned cases = 0, fired = 0, wrong = 0;
    Report::Text panic{}; // the message of one
};
Board* board = nullptr;

bool until_first = false;
constexpr long long_enough = 60'000; // milliseconds, also on a machine that is busy with something else
long hang_after = long_enough;
constexpr int panicked_status = 99;
constexpr unsigned most_wrong = 3; // of one fault, then the rest is not tried

void set_timer(long milliseconds) {
    itimerval timer{};
    timer.it_value.tv_sec = milliseconds / 1000;
    timer.it_value.tv_usec = milliseconds % 1000 * 1000;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

struct Series {
    const Fault& fault;
    Plan plan; // without the nth
    unsigned last;
    Counts usual;
};

void say_wrong(const Series& series, unsigned n, const char* what) {
    ++board->wrong;
    std::printf("wrong: %s: %s at call %u%s%s: %s\n", name_of(series.fault.call), series.fault.name, n,
                series.plan.every != 0 ? " and each second one after it" : "",
                series.plan.for_ms != 0 ? " and for a time after it" : "", what);
}

// In a process of its own.
[[noreturn]] void run_cases(const Series& series, unsigned first) {
    for (unsigned n = first; n <= series.last; ++n) {
        board->n = n;
        set_timer(hang_after);
        Plan plan = series.plan;
        plan.nth = n;
        Report::Text what{};
        const Verdict verdict = run_case(plan, series.usual, what);
        set_timer(0);
        ++board->cases;
        if (verdict.fired) ++board->fired;
        if (verdict.wrong) say_wrong(series, n, what.data());
        if (verdict.wrong && (until_first || board->wrong >= most_wrong)) break;
    }
    board->n = 0;
    std::exit(0); // not _exit: the leak check of AddressSanitizer comes at the end
}

// Judges how a process has ended. True if another is to go on.
bool ended_early(const Series& series, int status) {
    Report::Text what{};
    const unsigned n = board->n;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
    if (n != 0) {
        ++board->cases;
        ++board->fired;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == panicked_status) {
        if (is_answer(board->panic.data(), series.fault)) return true;
        std::snprintf(what.data(), what.size(), "panic: %.150s", board->panic.data());
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        std::snprintf(what.data(), what.size(), "hangs");
    } else if (WIFSIGNALED(status)) {
        std::snprintf(what.data(), what.size(), "ended by signal %d", WTERMSIG(status));
    } else {
        std::snprintf(what.data(), what.size(), "ended with status %d: a sanitizer?", WEXITSTATUS(status));
    }
    say_wrong(series, n, what.data());
    return n != 0 && !until_first && board->wrong < most_wrong;
}

struct Total {
    unsigned faults = 0, cases = 0, fired = 0, wrong = 0;
};

void run_series(const Series& series, Total& total) {
    *board = Board{};
    for (unsigned first = 1; first <= series.last; first = board->n + 1) {
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child == 0) run_cases(series, first);
        int status = 0;
        ::waitpid(child, &status, 0);
        if (!ended_early(series, status)) break;
    }
    total.cases += board->cases;
    total.fired += board->fired;
    total.wrong += board->wrong;
}

Counts usual_counts(const Plan& plan) {
    Report::Text what{};
    Counts counts{};
    set_timer(long_enough);
    if (!count_calls(plan, counts, what)) {
        std::printf("wrong: without any fault: %s\n", what.data());
        std::exit(1);
    }
    set_timer(0);
    return counts;
}

[[noreturn]] void terminated() {
    try {
        throw;
    } catch (const std::exception& error) {
        panicked(error.what());
    } catch (...) {
        panicked("terminated");
    }
}

} // namespace

void faults::panicked(const char* message) noexcept {
    if (board != nullptr) std::snprintf(board->panic.data(), board->panic.size(), "%s", message);
    ::_exit(panicked_status);
}

int main(int argc, char** argv) {
    std::string_view only;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--broken" && i + 1 < argc) broken = std::atoi(argv[++i]);
        if (option == "--until-first") until_first = true;
        if (option == "--hang-after" && i + 1 < argc) hang_after = std::atol(argv[++i]);
        if (option == "--only" && i + 1 < argc) only = argv[++i];
    }
    board = ::new (::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Board;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::set_terminate(terminated);

    const int to_be_broken = std::exchange(broken, -1); // but not before a fault
    const Counts with_pwait2 = usual_counts(Plan{});
    Plan old_kernel;
    old_kernel.without_pwait2 = true;
    const Counts without = usual_counts(old_kernel);
    broken = to_be_broken;

    Total all;
    for (std::size_t c = 0; c < with_pwait2.size(); ++c) {
        Total total;
        const Call call = static_cast<Call>(c);
        if (!only.empty() && only != name_of(call)) continue;
        const bool old = call == Call::epoll_wait;
        const Counts& usual = old ? without : with_pwait2;
        if (usual[c] == 0) continue;
        for (const Fault& fault : all_faults()) {
            if (fault.call != call || (until_first && all.wrong + total.wrong > 0)) continue;
            ++total.faults;
            Plan plan;
            plan.fault = &fault;
            plan.without_pwait2 = old;
            run_series(Series{fault, plan, usual[c], usual}, total);
            plan.every = 2;
            if (fault.then == Then::unnoticed) run_series(Series{fault, plan, 1, usual}, total);
            plan.every = 0;
            plan.for_ms = 250;
            if (fault.persists) run_series(Series{fault, plan, 3, usual}, total);
        }
        if (total.faults == 0) continue;
        std::printf("%-13s %4u calls x %u faults: %5u cases, %5u reached\n", name_of(call), usual[c], total.faults,
                    total.cases, total.fired);
        all.cases += total.cases;
        all.fired += total.fired;
        all.wrong += total.wrong;
    }
    std::printf("%u cases, %u of them reached their call, %u wrong\n", all.cases, all.fired, all.wrong);
    if (all.fired * 10 < all.cases * 8 || all.cases == 0) {
        std::printf("wrong: the shim reaches too few of the calls\n");
        return 1;
    }
    return all.wrong == 0 ? 0 : 1;
}
