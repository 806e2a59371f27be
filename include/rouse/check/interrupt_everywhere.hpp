// interrupt_everywhere: calls an interrupt handler, or a signal handler, at every instruction of a piece of work.
//
// Needs nothing else of rouse/check: neither the model checker nor its settings.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>

#include <rouse/check/detail/instruction_steps.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace check {

/// What interrupt_everywhere() has found.
struct InterruptReport {
    bool supported = false; ///< false: this is not x86-64 Linux, and nothing was done
    int boundaries = 0;     ///< between instructions at which the handler was called, each in a run of its own
    int failed = 0;         ///< how many of these runs failed
    /// Of the first that failed: the instruction before which the handler came. `addr2line -Cfpie PROGRAM ADDRESS`
    /// names the line, if the program is linked with -static or -no-pie. Null: where the program falls asleep, or at
    /// the end of the work.
    const void* instruction = nullptr;
    std::string failure{}; ///< of the first that failed: why

    /// Whether the handler was called somewhere, and no run failed.
    [[nodiscard]] bool passed() const noexcept { return boundaries > 0 && failed == 0; }
};

/// The stretch of the work whose instructions are interrupted, from the construction to the destruction of this. One
/// for each piece of work, after it has set up what it needs.
class Interrupted {
public:
#if defined(__linux__) && defined(__x86_64__)
    Interrupted() { detail::InstructionSteps::begin(); }
    ~Interrupted() { detail::InstructionSteps::end(); }
#else
    Interrupted() = default;
    ~Interrupted() {}
#endif
    Interrupted(const Interrupted&) = delete;
    Interrupted& operator=(const Interrupted&) = delete;
};

/// Runs `work` with `handler` called before its first instruction, then with `handler` called before its second one,
/// and so on. work() makes everything anew, has an Interrupted on its stack while it does what may be interrupted, and
/// returns whether all is well; an exception is a failure that quotes it. handler() is called once in each run, in a
/// signal handler, so it must be as careful as an interrupt handler: no allocation, no locks, no output.
///
///     int before = 0;
///     const auto report = check::interrupt_everywhere([&] { ... return driver->received() == 1; },
///                                                     [&] { driver->on_byte('x'); });
///
/// Each run is a process of its own, forked at the instruction, so a crash or a hang is a failure like any other. Where
/// the work falls asleep without a deadline (in epoll_wait or poll), only the handler can wake it, and it comes there;
/// if the work then sleeps again, a wake was lost. With `every`, only each so many'th instruction. Takes some tens of
/// microseconds for each boundary, and about a hundred boundaries for a wait of a flag at -O2.
///
/// For programs of one thread. It does not show what other cores would see; explore() does.
inline InterruptReport interrupt_everywhere(std::function<bool()> work, std::function<void()> handler, int every = 1) {
    InterruptReport report;
#if defined(__linux__) && defined(__x86_64__)
    using Steps = detail::InstructionSteps;
    report.supported = true;
    void* const memory =
        ::mmap(nullptr, sizeof(Steps::Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        report.failure = "rouse: check::interrupt_everywhere: no memory";
        report.failed = 1;
        return report;
    }
    auto& shared = *static_cast<Steps::Shared*>(memory);
    const pid_t child = ::fork();
    if (child == 0) {
        static std::function<void()> called;
        called = std::move(handler);
        int status = 1;
        try {
            // With the first throw of a process the unwinder sorts its tables, which takes longer than all else.
            throw 0;
        } catch (int) {
        }
        try {
            Steps::prepare(shared, [] { called(); }, every < 1 ? 1 : every);
            if (work()) {
                status = 0;
            } else {
                Steps::tell("the work says that something is wrong");
            }
        } catch (const std::exception& error) {
            Steps::tell(error.what());
        } catch (...) {
            Steps::tell("an exception that is not a std::exception leaves the work");
        }
        if (status == 0 && !Steps::performed()) {
            status = 1;
            Steps::tell("the work ended before the handler was called: it has no Interrupted on its stack");
        }
        ::_exit(status);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    report.boundaries = shared.boundaries + 1; // the last in the traced program itself
    report.failed = shared.failed;
    report.instruction = shared.instruction;
    report.failure = shared.why;
    int signal = shared.signal;
    if (status != 0 && report.failed++ == 0) {
        report.instruction = nullptr;
        report.failure = shared.present;
        signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    if (signal != 0) report.failure = std::string{"the program is ended by a signal: "} + ::strsignal(signal);
    ::munmap(memory, sizeof(Steps::Shared));
#else
    static_cast<void>(work);
    static_cast<void>(handler);
    static_cast<void>(every);
#endif
    return report;
}

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse
