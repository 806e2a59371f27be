// A model checker for C++ atomics: runs a small program of a few threads in every way that the language allows, and
// says which way breaks it. The program is real code: the headers of rouse, compiled with the atomics of policy.hpp.
//
// What it explores:
// - every order in which the threads can take their steps. A step is one atomic operation, barrier, or system call
//   of the policy, with the plain code behind it. Orders that differ only by steps that do not depend on each other
//   are run once (sleep sets: Godefroid, "Partial-Order Methods", 1996);
// - for every load, every store that it may read: the memory is a list of stores for each location and a view for
//   each thread (the view machine of Kang et al., "A promising semantics", POPL 2017, without promises);
// - for every store, every place in its location's order that coherence allows;
// - for every weak compare-exchange, failing for no reason; for every sleep, returning for no reason; within a budget.
//
// What counts as broken: a check() that fails, a deadlock (a lost wake), an execution that does not end, a data race on
// plain memory, and a use of memory that was given back. For the last two the program is compiled with
// -fsanitize=thread, but linked with races.cpp in place of its run-time: so it is told of every plain access.
//
// What it does not have: values out of thin air and load buffering (a load never reads a store that comes later), and
// consume. Mutexes, condition variables, threads and shared owners of the standard library are taken to be right
// (pthreads.hpp). Sequentially consistent accesses are a little stronger than the standard's: see Memory::sc_fence.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace model {

struct Options {
    int preemptions = -1;  // how often a thread may be interrupted that could go on; -1: no limit
    int spurious = 0;      // how many sleeps may return for no reason in one execution
    int weak_failures = 0; // how many weak compare-exchanges may fail for no reason
    int no_threads = 0;    // how many starts of a thread may fail, as the system has no more
    std::uint64_t most_executions = 100'000'000;
};

struct Result {
    std::uint64_t executions = 0; // that ran to their end
    std::uint64_t pruned = 0;     // given up, as they would have repeated another one
    std::uint64_t steps = 0;
    bool complete = false;          // all there are, under the options
    std::set<std::string> outcomes; // what the program has called outcome() with
    std::string failure;            // empty: none
    std::string how_it_came;        // the steps of the execution that failed
};

/// Runs `program` in every way. It runs as thread 0, and must do the same each time but for what the checker decides.
Result explore(const std::function<void()>& program, const Options& options);

// ---- for the program ------------------------------------------------------------------------------------------------

/// Starts a thread; at most three beside the first. What was done before is seen by it.
void spawn(std::function<void()> body);

/// Waits until all that were spawned have ended. What they did is seen afterwards.
void join();

/// The execution is broken. Does not return.
[[noreturn]] void fail(const std::string& why);

/// The same, but it is the checker that is broken, or too small: no evidence about the program.
[[noreturn]] void fail_checker(const std::string& why);

inline void check(bool holds, const char* what) {
    if (!holds) fail(what);
}

/// Notes what came of this execution.
void outcome(const std::string& what);

/// One of 0 .. n-1: each is tried.
int choose(int n);

/// Memory that must not be used from here on, by anyone who has not been told otherwise.
void poison(const void* memory, std::size_t bytes);
void unpoison(const void* memory, std::size_t bytes);

} // namespace model
