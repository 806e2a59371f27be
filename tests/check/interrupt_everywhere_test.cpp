// interrupt_everywhere: that it comes between any two instructions, and what it finds there.
#include <rouse/check/interrupt_everywhere.hpp>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

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

rouse::Task<> wait_for(rouse::ThreadSafeFlag& flag) { co_await flag.wait(); }

TEST_CASE("a flag that is set at any instruction of a wait wakes the loop, asleep or not") {
    static rouse::ThreadSafeFlag* flag = nullptr;
    const auto report = check::interrupt_everywhere(
        [] {
            rouse::ThreadSafeFlag mine;
            flag = &mine;
            rouse::EpollPort port;
            rouse::Loop loop{port};
            rouse::TaskHandle<> task = loop.create_task(wait_for(mine));
            {
                const check::Interrupted stretch;
                loop.run_until_complete(task);
            }
            return task.done();
        },
        [] { flag->set(); }, 7);
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
    static rouse::ThreadSafeFlag* flag = nullptr;
    const auto report = check::interrupt_everywhere(
        [] {
            rouse::ThreadSafeFlag mine;
            flag = &mine;
            rouse::EpollPort port;
            rouse::Loop loop{port};
            rouse::TaskHandle<> task = loop.create_task(clear_and_wait(mine));
            {
                const check::Interrupted stretch;
                loop.run_until_complete(task);
            }
            return task.done();
        },
        [] { flag->set(); }, 97);
    if (!report.supported) return;
    CHECK(report.failed >= 1);
    CHECK(report.failed < report.boundaries);
    CHECK(report.failure == "a wake was lost: the program sleeps and nothing is left to wake it");
}

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
