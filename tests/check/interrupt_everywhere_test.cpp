// interrupt_everywhere: that it comes between any two instructions, and what it finds there.
#include <rouse/check/interrupt_everywhere.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#if defined(__linux__)
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#endif

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;

// As volatile as a register: each access is one instruction.
volatile int count = 0;

TEST_CASE("an addition in two instructions loses an interrupt's addition; it is found, and at few boundaries") {
    const auto report = check::interrupt_everywhere(
        [] {
            count = 0;
            {
                const check::Interrupted stretch;
                int before = count;
                asm volatile("" : "+r"(before)); // or some compilers make one instruction of it
                count = before + 1;
            }
            return count == 2;
        },
        [] { count = count + 1; });
    if (!report.supported) return;
    CHECK(report.boundaries >= 4);
    CHECK(report.failed >= 1);
    CHECK(report.failed < report.boundaries);
    CHECK(report.instruction != nullptr);
    CHECK(report.failure == "the work says that something is wrong");
    CHECK_FALSE(report.passed());
}

TEST_CASE("an addition in one instruction loses nothing") {
    static std::atomic<int> sum;
    const auto report = check::interrupt_everywhere(
        [] {
            sum = 0;
            {
                const check::Interrupted stretch;
                sum.fetch_add(1);
            }
            return sum == 2;
        },
        [] { sum.fetch_add(1); });
    if (!report.supported) return;
    INFO(report.failure);
    CHECK(report.passed());
    CHECK(report.boundaries >= 3);
}

// Of a task that waits for a flag, on a loop that sleeps in the system; the handler sets the flag.
check::InterruptReport interrupt_a_wait(rouse::Task<> (*wait)(rouse::ThreadSafeFlag&), int every) {
    static rouse::ThreadSafeFlag* flag = nullptr;
    return check::interrupt_everywhere(
        [wait] {
            rouse::ThreadSafeFlag mine;
            flag = &mine;
            rouse::EpollPort port;
            rouse::Loop loop{port};
            rouse::TaskHandle<> task = loop.create_task(wait(mine));
            {
                const check::Interrupted stretch;
                loop.run_until_complete(task);
            }
            return task.done();
        },
        [] { flag->set(); }, every);
}

rouse::Task<> wait_for(rouse::ThreadSafeFlag& flag) { co_await flag.wait(); }

TEST_CASE("a flag that is set at any instruction of a wait wakes the loop, asleep or not") {
    const auto report = interrupt_a_wait(wait_for, 7);
    if (!report.supported) return;
    INFO(report.failure << " at " << report.instruction);
    CHECK(report.passed());
    CHECK(report.boundaries >= 30);
}

rouse::Task<> clear_and_wait(rouse::ThreadSafeFlag& flag) {
    flag.clear();
    co_await flag.wait();
}

TEST_CASE("a wake that is lost at some instructions is found, by a program that sleeps for ever") {
    const auto report = interrupt_a_wait(clear_and_wait, 97);
    if (!report.supported) return;
    CHECK(report.failed >= 1);
    CHECK(report.failed < report.boundaries);
    CHECK(report.failure == "a wake was lost: the program sleeps and nothing is left to wake it");
}

#if defined(__linux__)
TEST_CASE("what the handler writes to an eventfd in one run is not there in the next") {
    static int descriptor = -1;
    static volatile bool written = false;
    const auto report = check::interrupt_everywhere(
        [] {
            descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            written = false;
            bool early = false;
            {
                const check::Interrupted stretch;
                pollfd look{descriptor, POLLIN, 0};
                const bool before = written;
                early = ::poll(&look, 1, 0) == 1 && !before && !written;
            }
            return !early; // and what was written stays in it
        },
        [] {
            written = true;
            const std::uint64_t one = 1;
            if (::write(descriptor, &one, sizeof one) != sizeof one) check::Interrupted::fail("cannot write");
        });
    if (!report.supported) return;
    INFO(report.failure << " at " << report.instruction);
    CHECK(report.passed());
}
#endif

#if defined(__x86_64__)
TEST_CASE("a fault that takes two interrupts is found by two handlers, and by one it is not") {
    // The work notices one interrupt between its two readings, but not two that undo each other.
    const auto work = [] {
        count = 0;
        bool same = false;
        int before = 0, after = 0;
        {
            const check::Interrupted stretch;
            before = count;
            after = count;
            same = before == count;
        }
        return !(same && after != before);
    };
    const auto add = [] { count = count + 1; };
    const auto once = check::interrupt_everywhere(work, add);
    if (!once.supported) return;
    CHECK(once.passed());
    const auto twice = check::interrupt_everywhere(work, add, [] { count = count - 1; });
    CHECK(twice.failed >= 1);
    CHECK(twice.failed < twice.boundaries);
    CHECK(twice.boundaries > once.boundaries);
    CHECK(twice.instruction != nullptr);
    CHECK(twice.second != nullptr);
    CHECK(twice.instruction != twice.second);
}
#endif

rouse::Task<> wait_twice(rouse::ThreadSafeFlag& flag) {
    co_await flag.wait();
    co_await flag.wait();
}

TEST_CASE("a postponed handler comes once, when the work has fallen asleep after the handler") {
    static rouse::ThreadSafeFlag* flag = nullptr;
    const auto report = check::interrupt_everywhere(
        [] {
            rouse::ThreadSafeFlag mine;
            flag = &mine;
            rouse::EpollPort port;
            rouse::Loop loop{port};
            rouse::TaskHandle<> task = loop.create_task(wait_twice(mine));
            {
                const check::Interrupted stretch;
                loop.run_until_complete(task);
            }
            return task.done() && !mine.is_set();
        },
        [] {
            flag->set();
            check::Interrupted::postpone([] { flag->set(); });
        },
        61);
    if (!report.supported) return;
    INFO(report.failure << " at " << report.instruction);
    CHECK(report.passed());
}

TEST_CASE("a sleep with a deadline is no lost wake, however long it is") {
    static rouse::ThreadSafeFlag* flag = nullptr;
    const auto report = check::interrupt_everywhere(
        [] {
            rouse::ThreadSafeFlag mine;
            flag = &mine;
            rouse::EpollPort port;
            rouse::Loop loop{port};
            {
                const check::Interrupted stretch;
                mine.clear();
            }
            loop.run_until_complete([]() -> rouse::Task<> { co_await rouse::sleep(std::chrono::milliseconds{60}); }());
            return true;
        },
        [] { flag->set(); }, 5);
    if (!report.supported) return;
    INFO(report.failure << " at " << report.instruction);
    CHECK(report.passed());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("the unwinder is not interrupted, but what follows the catch is") {
    const auto report = check::interrupt_everywhere(
        [] {
            count = 0;
            {
                const check::Interrupted stretch;
                try {
                    throw 1;
                } catch (int) {
                }
                int before = count;
                asm volatile("" : "+r"(before));
                count = before + 1;
            }
            return count == 2;
        },
        [] { count = count + 1; });
    if (!report.supported) return;
    CHECK(report.failed >= 1);
    CHECK(report.failure == "the work says that something is wrong");
    CHECK(report.boundaries < 2500);
}
#endif

TEST_CASE("a crash, and an exception of the work, are failures that say what came") {
    const auto crash = check::interrupt_everywhere(
        [] {
            const check::Interrupted stretch;
            return true;
        },
        [] { std::raise(SIGKILL); });
    if (!crash.supported) return;
    CHECK(crash.failed == crash.boundaries);
    CHECK(crash.failure.find("the program is ended by a signal: Killed") == 0);
    const auto throws = check::interrupt_everywhere(
        []() -> bool {
            {
                const check::Interrupted stretch;
            }
            throw std::runtime_error{"no more cheese"};
        },
        [] {});
    CHECK(throws.failed == throws.boundaries);
    CHECK(throws.failure == "no more cheese");
}

TEST_CASE("work that has no stretch to interrupt is a failure, and says so") {
    const auto report = check::interrupt_everywhere([] { return true; }, [] {});
    if (!report.supported) return;
    CHECK_FALSE(report.passed());
    CHECK(report.failure == "the work ended before the handler was called: it has no Interrupted on its stack");
}

} // namespace
