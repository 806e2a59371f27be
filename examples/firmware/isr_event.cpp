// An interrupt rouses tasks: a timer's interrupt sets a ThreadSafeEvent. Four tasks wait for it; in each round one of
// them is cancelled, in turn, and the others get the event. The firmware's twin of examples/isr_event.cpp.
#include <array>

#include "run_task.hpp"

using namespace std::chrono_literals;

static constinit rouse::ThreadSafeEvent event;

// The interrupt service routine: all that it needs is one call.
extern "C" void timer_interrupt() { event.set(); }

static std::uint32_t events = 0, cancellations = 0;

static rouse::Task<> wait_for_event(std::uint32_t n) {
    const auto guard = rouse::on_cancel([n] {
        ++cancellations;
        board::print("Waiter ", n, " cancelled\n");
    });
    co_await event.wait();
    ++events;
    board::print("Waiter ", n, " got event\n");
}

static rouse::Task<int> main_task() {
    for (unsigned round = 0; round < 8; ++round) {
        std::array<rouse::TaskHandle<>, 4> waiters;
        for (std::uint32_t n = 0; n < 4; ++n) waiters[n] = rouse::create_task(wait_for_event(n));
        co_await rouse::yield(); // they begin to wait
        waiters[round % 4].cancel();
        board::start_timer(board::timer_hertz / 100, false);
        for (auto& waiter : waiters) co_await waiter.outcome();
        event.clear();
        board::print("Cleared event\n");
    }
    co_return events == 24 && cancellations == 8 ? 0 : 1;
}

int main() { return run_task(main_task()); }
