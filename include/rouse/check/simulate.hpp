// simulate: runs a program of tasks and interrupts again and again, each time in another way that rouse's rules allow,
// and makes the way that fails short.
//
// Needs nothing else of rouse/check: neither the model checker nor its settings.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rouse/check/detail/decisions.hpp>
#include <rouse/check/detail/stepped_run.hpp>
#include <rouse/core/config.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/task.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/debug/task_list.hpp>
#include <rouse/ports/virtual_time.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace check {

/// How simulate() runs a program.
struct SimulationOptions {
    /// How often the program is run.
    std::uint64_t runs = 1000;
    /// Run i draws its decisions from seed + i.
    std::uint64_t seed = 1;
    /// How much later than its deadline a sleep may end, and how long a step of a task may take. Zero: always in time.
    Clock::duration late = std::chrono::milliseconds{10};
    /// How many resumptions of tasks a run may have. One that has more fails: it does not end.
    std::uint64_t most_steps = 100'000;
    /// How often a run that fails is run again, to make it short.
    int shrink_attempts = 5000;
    /// SimulationReport::seed of a failure: only that run is made, as it was reported.
    std::string replay{};
};

/// What simulate() has found.
struct SimulationReport {
    std::uint64_t runs = 0;        ///< that were made, the one that failed included; without those that made it short
    std::uint64_t steps = 0;       ///< resumptions of tasks, of all of them
    bool failed = false;           ///< whether a run failed; it was the last
    std::uint64_t failed_seed = 0; ///< what its decisions were drawn from
    std::string failure{};         ///< why, in a sentence
    std::string story{};           ///< what happened in it, a line for each step, when it had been made short
    std::string seed{};            ///< repeats that short run, see SimulationOptions::replay

    /// Whether there was a run, and none failed.
    [[nodiscard]] bool passed() const noexcept { return runs > 0 && !failed; }
};

template <class Body>
SimulationReport simulate(Body body, const SimulationOptions& options = {});

/// One run of the body of simulate(): a loop in virtual time, and everything that may go one way or another.
///
/// On the thread that calls simulate(); the handlers of interrupt() are called on it too.
class SimulatedRun {
public:
    SimulatedRun(const SimulatedRun&) = delete;
    SimulatedRun& operator=(const SimulatedRun&) = delete;
    ~SimulatedRun() = default;

    /// Runs the coroutine to its end, then cancels the tasks that are left, as Loop::run() does. Returns what it
    /// returns, and throws what it throws.
    ///
    /// The run fails if no task can ever be ready again, or if there are too many steps.
    template <class T>
    T run(Task<T> main) {
        TaskHandle<T> handle = loop_.create_task(std::move(main), "main");
        try {
            while (!handle.done()) advance();
        } catch (...) {
            if (!endless_) detail::scheduler_of(loop_).cancel_all(); // before the objects of the body end
            throw;
        }
        detail::scheduler_of(loop_).cancel_all();
        if (!failure_.empty()) throw std::runtime_error{failure_};
        return handle.result();
    }

    /// One of 0 .. n-1, each as likely. 0 must be the plainest: a run is made short by making its choices plain. For
    /// what the program does: how many items, which operation comes next.
    [[nodiscard]] std::uint32_t choose(std::uint32_t n) { return decisions_.uniform(n); }

    /// Whether something goes wrong here, which is seldom: a queue is full, a put is refused, a peer is silent. `what`
    /// appears in the story.
    [[nodiscard]] bool fault(const char* what) {
        if (decisions_.seldom(2) == 0) return false;
        note(what);
        return true;
    }

    /// A foreign context: `handler` is called once, at some time from now on, between two steps of tasks or in a sleep
    /// of the loop; unless run() has ended before. `name` appears in the story. For an interrupt that comes twice, call
    /// this twice. May be called by tasks and handlers.
    void interrupt(std::string name, std::function<void()> handler) {
        pending_.push_back({std::move(name), std::move(handler)});
    }

    /// Makes the run fail unless `holds`; `what` says what is wrong then. Throws, and is remembered even if the
    /// exception is caught, or ends a task that no one awaits.
    void expect(bool holds, const char* what) {
        if (holds) return;
        stop(what, {});
    }

    /// Adds a line to the story.
    void note(std::string_view text) {
        const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(port_.now().time_since_epoch());
        story_ += std::to_string(time.count()) + " ms  " + std::string{text} + '\n';
    }

    /// The loop. It is the current loop of this thread while tasks and handlers run.
    [[nodiscard]] Loop& loop() noexcept { return loop_; }

    /// The time of the loop. It passes when all tasks wait, and where a step is decided to take long.
    [[nodiscard]] VirtualTimePort& port() noexcept { return port_; }

private:
    template <class Body>
    friend SimulationReport simulate(Body body, const SimulationOptions& options);

    struct Interrupt {
        std::string name;
        std::function<void()> handler;
    };

    SimulatedRun(detail::Decisions decisions, const SimulationOptions& options)
        : decisions_{std::move(decisions)}, options_{options} {
        loop_.set_exception_handler([this](std::string_view name, std::exception_ptr error) {
            fail_with("an exception ends a task that no one awaits",
                      ": " + std::string{name.empty() ? "(unnamed)" : name} + ": " + text_of_error(error));
        });
    }

    // The first counts. `kind` is the same for the same failure, however long the run is.
    void fail_with(const std::string& kind, const std::string& rest) {
        if (!failure_.empty()) return;
        kind_ = kind;
        failure_ = kind + rest;
    }
    [[noreturn]] void stop(const std::string& kind, const std::string& rest) {
        fail_with(kind, rest);
        throw std::runtime_error{failure_};
    }
    static std::string text_of_error(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& known) {
            return known.what();
        } catch (...) {
            return "an exception that is not a std::exception";
        }
    }

    // From one resumption of a task to the next. What the rules leave open is decided here: how long the last step
    // took, which interrupts come now, and whether the loop looks for them and for its timers before it resumes the
    // next task that is ready, or later. It always looks when none is ready, and at the end of a turn.
    void advance() {
        detail::Scheduler& scheduler = detail::scheduler_of(loop_);
        if (++steps_ > options_.most_steps) {
            endless_ = true;
            stop("it does not end", {});
        }
        for (std::size_t i = 0; i < pending_.size();) {
            if (decisions_.seldom(2) == 0) {
                ++i;
            } else {
                come(i, " comes between two steps");
            }
        }
        if (turn_left_ == 0 || detail::SteppedRun::front(scheduler) == nullptr || decisions_.seldom(2) != 0) {
            detail::SteppedRun::look(scheduler);
            turn_left_ = steps_of_a_turn;
        }
        detail::TaskRecord* const next = detail::SteppedRun::front(scheduler);
        if (next == nullptr) {
            sleep(scheduler);
            return;
        }
        --turn_left_;
        if (telling_) note("resumes " + name_of(*next));
        detail::SteppedRun::step(scheduler);
        static_cast<void>(late("the step takes"));
    }

    // What comes first: an interrupt, if it is decided so or nothing else can wake the loop, or the deadline.
    void sleep(detail::Scheduler& scheduler) {
        turn_left_ = 0;
        const TimePoint deadline = detail::SteppedRun::next_deadline(scheduler);
        const bool for_good = deadline == (TimePoint::max)();
        if (!pending_.empty()) {
            // 0: the first one comes at once. 1: half way to the deadline. 2: not in this sleep.
            const std::uint32_t when = for_good ? 0 : decisions_.uniform(3);
            if (when == 2 && telling_) note("no interrupt comes in this sleep");
            if (when < 2) {
                if (when == 1) port_.advance((deadline - port_.now()) / 2);
                const auto count = static_cast<std::uint32_t>(pending_.size());
                detail::SteppedRun::doze(scheduler, [&] { come(decisions_.uniform(count), " comes in a sleep"); });
                return;
            }
        }
        if (for_good) stop("all tasks wait for ever", ": " + waiting());
        static_cast<void>(detail::SteppedRun::sleep(scheduler));
        static_cast<void>(late("the loop wakes late by"));
    }

    // Zero is in time.
    bool late(const char* what) {
        constexpr std::uint32_t parts = 8;
        const std::uint32_t part = options_.late > Clock::duration{} ? decisions_.seldom(parts + 1) : 0;
        if (part == 0) return false;
        const Clock::duration by = options_.late * part / parts;
        port_.advance(by);
        const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(by).count();
        if (telling_) note(what + (' ' + std::to_string(microseconds)) + " us");
        return true;
    }

    void come(std::size_t which, const char* how) {
        Interrupt one = std::move(pending_[which]);
        pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(which));
        if (telling_) note(one.name + how);
        one.handler();
    }

    [[nodiscard]] static std::string name_of(const detail::TaskRecord& task) {
        return task.named ? std::string{task.name->text()} : "(unnamed)";
    }
    [[nodiscard]] std::string waiting() {
        std::string list;
        for_each_task(loop_, [&list](const TaskInfo& task) {
            if (!list.empty()) list += ", ";
            list += (task.name.empty() ? "(unnamed)" : std::string{task.name}) + ' ' + std::string{task.waits};
        });
        return list;
    }

    static constexpr unsigned steps_of_a_turn = 64;

    detail::Decisions decisions_;
    SimulationOptions options_;
    std::string failure_; // empty: none
    std::string kind_;
    std::string story_;
    std::vector<Interrupt> pending_;
    std::uint64_t steps_ = 0;
    unsigned turn_left_ = 0;
    bool endless_ = false;
    bool telling_ = false;
    VirtualTimePort port_;
    Loop loop_{port_};
};

/// Calls body(SimulatedRun&) again and again, each time with decisions drawn from another seed, until a run fails: by
/// an exception that leaves the body, an exception in a task that no one awaits, expect(), waiting for ever, or not
/// ending. Then looks for a short run that fails in the same way, and tells its story.
///
/// What a run decides is all that rouse's rules leave open, and nothing else (the ready queue is first in, first out
/// here as everywhere): when an interrupt() comes; when the loop looks for what has come and for timers that are due;
/// how late it wakes; how long a task's step takes; and what the program asks of choose() and fault().
///
///     const auto report = check::simulate([](check::SimulatedRun& run) {
///         Driver driver;
///         for (std::uint32_t n = run.choose(5); n > 0; --n) run.interrupt("uart", [&] { driver.on_byte('x'); });
///         run.run(driver.receive_all());
///         run.expect(driver.nothing_lost(), "a byte is lost");
///     });
///
/// The body must make everything anew and do the same each time, but for these decisions: no other threads, no real
/// time, no random numbers of its own. A run takes some microseconds and a fraction of one for each step. Nothing is
/// interrupted between two instructions; interrupt_everywhere() does that.
///
/// If the environment variable ROUSE_CHECK_SEED is set, it takes the place of SimulationOptions::replay. Throws
/// std::invalid_argument if that is not the seed of a report.
template <class Body>
SimulationReport simulate(Body body, const SimulationOptions& options) {
    struct Ran {
        std::string failure, kind, story;
        detail::DecisionList taken;
        std::uint64_t steps;
    };
    const auto run_by = [&body, &options](detail::Decisions decisions, bool telling) {
        SimulatedRun run{std::move(decisions), options};
        run.telling_ = telling;
        try {
            body(run);
        } catch (...) {
            run.fail_with(SimulatedRun::text_of_error(std::current_exception()), {});
        }
        return Ran{run.failure_, run.kind_, run.story_, run.decisions_.taken(), run.steps_};
    };
    SimulationReport report;
    const auto tell = [&](const detail::DecisionList& list) {
        const Ran told = run_by(detail::Decisions{list}, true);
        report.failed = !told.failure.empty();
        report.failure = told.failure;
        report.story = told.story;
        report.seed = detail::text_of_decisions(told.taken);
        return told;
    };
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
    const char* const from_environment = std::getenv("ROUSE_CHECK_SEED");
    if (const std::string replay = from_environment != nullptr ? from_environment : options.replay; !replay.empty()) {
        report.runs = 1;
        report.steps = tell(detail::decisions_of(replay)).steps;
        return report;
    }
    while (report.runs < options.runs) {
        report.failed_seed = options.seed + report.runs++;
        const Ran first = run_by(detail::Decisions{report.failed_seed}, false);
        report.steps += first.steps;
        if (first.failure.empty()) continue;
        const auto fails = [&](const detail::DecisionList& list, detail::DecisionList& taken) {
            Ran again = run_by(detail::Decisions{list}, false);
            if (again.failure.empty() || again.kind != first.kind) return false;
            taken = std::move(again.taken);
            return true;
        };
        tell(detail::shrink_decisions(first.taken, fails, options.shrink_attempts));
        if (!report.failed) {
            report.failed = true;
            report.failure = first.failure + " (but not again: the program does not do the same each time)";
        }
        return report;
    }
    report.failed_seed = 0;
    return report;
}

/// Prints what simulate() has found to stdout: one line if all is well, else the failure, its story and its seed.
/// Returns the exit status for main(): 0 if report.passed(), else 1.
inline int report(const char* name, const SimulationReport& report) {
    const auto runs = static_cast<unsigned long long>(report.runs);
    if (report.passed()) {
        std::printf("%s: passed, %llu runs of %llu steps\n", name, runs, static_cast<unsigned long long>(report.steps));
    } else {
        std::printf("%s: FAILED in run %llu: %s\n\n%s\n  to repeat this run alone: ROUSE_CHECK_SEED='%s'\n", name, runs,
                    report.failure.c_str(), report.story.c_str(), report.seed.c_str());
    }
    std::fflush(stdout);
    return report.passed() ? 0 : 1;
}

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse
