// An interrupt rouses tasks: a POSIX timer's signal stands for the interrupt, its handler sets a ThreadSafeEvent. Four
// tasks wait for it; in each round one of them is cancelled, in turn, and the others get the event.
//
//   isr_event [rounds]        the default is 8
#include <cstdio>
#include <vector>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "interrupt_timer.hpp"
#include "run_main.hpp"

static constinit rouse::ThreadSafeEvent event;

// The interrupt service routine: all that it needs is one call, which makes no system call unless the loop sleeps.
static void on_interrupt(int) { event.set(); }

static rouse::Task<> wait_for_event(int n) {
    const auto guard = rouse::on_cancel([n] { fmt::print("Waiter {} cancelled\n", n); });
    co_await event.wait();
    fmt::print("Waiter {} got event\n", n);
}

static rouse::Task<int> run_rounds(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        std::vector<rouse::TaskHandle<>> waiters;
        for (int n = 0; n < 4; ++n) waiters.push_back(rouse::create_task(wait_for_event(n)));
        co_await rouse::yield(); // they run, and wait
        waiters[static_cast<std::size_t>(round % 4)].cancel();
        {
            const example::InterruptTimer timer{on_interrupt, 50'000'000}; // until it ends, there are interrupts
            for (auto& waiter : waiters) co_await waiter.outcome();
        }
        event.clear();
        fmt::print("Cleared event\n");
        std::fflush(stdout);
    }
    co_return 0;
}

int main(int argc, char** argv) {
    constexpr auto usage = "isr_event [rounds]: rounds is a whole number from 1";
    if (const auto status = example::wrong_arguments(argc, argv, 1, usage)) return *status;
    const auto rounds = example::count_argument(argc, argv, 8);
    if (!rounds) return example::refuse(usage);
    return example::run_main("isr_event", [&] { return run_rounds(*rounds); });
}
