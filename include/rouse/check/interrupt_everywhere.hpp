// interrupt_everywhere: calls an interrupt handler, or a signal handler, at every instruction of a piece of work.
//
// Needs nothing else of rouse/check: neither the model checker nor its settings.
#pragma once

#include <cstdlib>
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
    /// names the line, if the program is linked with -static or -no-pie. Null: where the program sleeps, or at the end
    /// of the work.
    const void* instruction = nullptr;
    const void* second = nullptr; ///< the same for the second handler, if there are two
    std::string failure{};        ///< of the first that failed: why

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

    /// For a handler after which the work needs another interrupt, or would rightly sleep for ever: `handler` comes
    /// once, in the work's next sleep.
    static void postpone([[maybe_unused]] void (*handler)()) noexcept {
#if defined(__linux__) && defined(__x86_64__)
        detail::InstructionSteps::postpone(handler);
#endif
    }

    /// For the work, where it cannot wait until it sleeps: what was postponed comes now. Does nothing if it has come.
    static void perform_postponed() {
#if defined(__linux__) && defined(__x86_64__)
        detail::InstructionSteps::perform_postponed();
#endif
    }

    /// Ends this run as one that failed. For the work and the handlers, at any point.
    [[noreturn]] static void fail([[maybe_unused]] const char* why) {
#if defined(__linux__) && defined(__x86_64__)
        detail::InstructionSteps::end_with(why);
#else
        std::abort();
#endif
    }
};

} // namespace check

namespace detail {

/// `first` comes everywhere, and after it `second`, unless that is empty. See check::interrupt_everywhere().
inline check::InterruptReport interrupt_everywhere(std::function<bool()> work, std::function<void()> first,
                                                   std::function<void()> second, int every) {
    check::InterruptReport report;
#if defined(__linux__) && defined(__x86_64__)
    using Steps = InstructionSteps;
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
        static std::function<void()> called[2];
        called[0] = std::move(first);
        called[1] = std::move(second);
        Steps::prepare(shared, [] { called[0](); }, called[1] ? +[] { called[1](); } : nullptr, every < 1 ? 1 : every);
        bool well = false;
#if ROUSE_EXCEPTIONS
        try {
            // With the first throw of a process the unwinder sorts its tables, which takes longer than all else.
            throw 0;
        } catch (int) {
        }
        try {
            well = work();
            if (!well) Steps::tell("the work says that something is wrong");
        } catch (const std::exception& error) {
            Steps::tell(error.what());
        } catch (...) {
            Steps::tell("an exception that is not a std::exception leaves the work");
        }
#else
        well = work();
        if (!well) Steps::tell("the work says that something is wrong");
#endif
        if (well && !Steps::performed()) {
            well = false;
            Steps::tell("the work ended before the handler was called: it has no Interrupted on its stack");
        }
        ::_exit(well ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    report.boundaries = shared.boundaries + 1; // the last in the traced program itself
    report.failed = shared.failed;
    report.instruction = shared.instruction[0];
    report.second = shared.instruction[1];
    report.failure = shared.why;
    int signal = shared.signal;
    if (status != 0 && report.failed++ == 0) {
        report.failure = shared.present;
        signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): thread-local, or a constant
    if (signal != 0) report.failure = std::string{"the program is ended by a signal: "} + ::strsignal(signal);
    ::munmap(memory, sizeof(Steps::Shared));
#else
    static_cast<void>(work);
    static_cast<void>(first);
    static_cast<void>(second);
    static_cast<void>(every);
#endif
    return report;
}

} // namespace detail

namespace check {

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
/// the work falls asleep without a deadline (in epoll_wait or poll), only the handler can wake it, and it comes there,
/// once just before the system call and once in it; if the work then sleeps again, a wake was lost. With `every`, only
/// each so many'th instruction. Takes a fork() for each boundary, which is some
/// tens of microseconds to some milliseconds, and about a hundred boundaries for a wait of a flag at -O2.
///
/// For programs of one thread. The runs share the files and sockets that were open before; what is in an eventfd is put
/// back. It does not show what other cores would see; explore() does. Not interrupted are the unwinder, the kernel's
/// clock, and an instruction that has been interrupted 24 times (in unoptimised code: twice).
inline InterruptReport interrupt_everywhere(std::function<bool()> work, std::function<void()> handler, int every = 1) {
    return detail::interrupt_everywhere(std::move(work), std::move(handler), nullptr, every);
}

/// The same with two interrupts: after `first` has come, `second` comes before each instruction that follows. Takes the
/// square of the time, so try every tenth instruction or so.
inline InterruptReport interrupt_everywhere(std::function<bool()> work, std::function<void()> first,
                                            std::function<void()> second, int every = 1) {
    return detail::interrupt_everywhere(std::move(work), std::move(first), std::move(second), every);
}

} // namespace check
} // namespace ROUSE_ABI
} // namespace rouse
