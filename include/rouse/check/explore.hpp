// explore: runs a small program in every way that the memory model allows, and tells the story of the one that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include <rouse/core/config.hpp>

#if !ROUSE_MODEL_CHECK
#error "rouse: check: compile each file of the test with -DROUSE_MODEL_CHECK=1; see docs/check_your_handler.md"
#endif

namespace rouse {
inline namespace ROUSE_ABI {
namespace check {

/// The most contexts that a checked program may have at a time, "main" included.
inline constexpr int most_contexts = 4;

/// How far explore() goes. The defaults explore everything, which is right for two or three contexts of a few steps.
struct Options {
    /// How often a context that could continue may be stopped in favour of another, in one execution; -1: no limit. Two
    /// find nearly every fault, at a small part of the cost. The start of an interrupt() does not count, nor does a
    /// context that waits.
    int preemptions = -1;
    /// How many sleeps of each context may end without a reason, in one execution.
    int spurious = 0;
    /// How many weak compare-exchanges of each context may fail without a reason.
    int weak_failures = 0;
    /// How many starts of a std::thread may fail.
    int no_threads = 0;
    /// If not 0: so many executions are run, each by decisions drawn at random, instead of all that there are. For
    /// programs that are too large to be explored. A failure is shortened: what does not contribute to it is left out.
    std::uint64_t samples = 0;
    /// What the random decisions are drawn from: the same number draws the same ones.
    std::uint64_t random_seed = 1;
    /// Where to stop if not all executions have been seen; the result is then not `complete`.
    std::uint64_t most_executions = 100'000'000;
    /// Whether to look, after a failure, for one of the same kind with fewer preemptions, whose story is easier to
    /// follow.
    bool shorten = true;
    /// Result::seed of a failure: only that execution is run, for a debugger.
    std::string seed{};
};

/// What is wrong with an execution.
enum class Failure : std::uint8_t {
    none,
    assertion,     ///< expect() was not met, fail() was called, or an exception has left a context
    data_race,     ///< two contexts use plain data, one of them writes, and nothing orders them
    use_after_end, ///< memory is used after it was given back, or an atomic after its end
    lost_wake,     ///< a loop or a thread sleeps, and no context is left that could wake it
    deadlock,      ///< contexts wait for each other: for a mutex, a thread, or the end of a context
    endless,       ///< an execution takes more steps than the checker follows
    checker,       ///< the checker is too small for the program, or the program is not the same each time
};

/// What explore() has found.
struct Result {
    std::uint64_t executions = 0;   ///< that ran to their end
    std::uint64_t pruned = 0;       ///< that were given up because they would have repeated another
    std::uint64_t steps = 0;        ///< of all executions
    bool complete = false;          ///< whether these were all executions that the options allow, or all samples
    std::set<std::string> outcomes; ///< the arguments with which outcome() was called
    Failure kind = Failure::none;   ///< what is wrong with the execution that failed
    std::string failure;            ///< what is wrong, in a sentence; empty if nothing is
    std::string story;              ///< the steps of the execution that failed, a line each
    std::string seed;               ///< repeats that execution, see Options::seed

    /// Whether every execution that the options allow, or every sample, was run, and none failed.
    [[nodiscard]] bool passed() const noexcept { return complete && kind == Failure::none; }
};

/// Runs `program` again and again, each time in another of the ways in which its contexts can be interleaved and its
/// atomics can be read, until one way fails or all have been seen.
///
/// The program runs as the first context, "main", and starts the others (see contexts.hpp). It must do the same each
/// time, except for what the checker decides: no clock, no random numbers, no input. Its objects belong on its stack
/// or on the heap, not in variables with static lifetime, which would keep their values from one execution to the
/// next.
///
/// Executions that differ only in the order of steps that do not depend on each other are run once, if there is no
/// limit of preemptions (sleep sets: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems",
/// 1996). If the environment variable ROUSE_CHECK_SEED is set, it takes the place of Options::seed.
Result explore(const std::function<void()>& program, const Options& options = {});

/// Prints what explore() has found to stdout: one line if all is well, else the failure, its story and its seed.
/// Returns the exit status for main(): 0 if result.passed(), else 1.
int report(const char* name, const Result& result);

/// Ends the execution with a failure unless `holds`. `what` says what is wrong then. For every context, at any point.
void expect(bool holds, const char* what);

/// Ends the execution with a failure.
[[noreturn]] void fail(const std::string& why);

/// Notes how this execution came out; Result::outcomes is the set of all that was noted.
void outcome(const std::string& what);

/// One of 0 .. n-1; each is tried.
[[nodiscard]] int choose(int n);

/// Adds a line to the story.
void note(const std::string& text);

/// Declares that memory must not be used from here on; poison() is an access to it.
void poison(const void* memory, std::size_t bytes);
/// Declares that memory may be used again.
void unpoison(const void* memory, std::size_t bytes);

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse
