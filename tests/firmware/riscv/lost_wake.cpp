// No wake is lost, wherever on the loop's way to sleep the interrupt comes. One request, one answer: a task arms the
// timer for d cycles and waits, and d goes from a few instructions to far behind the moment at which the loop is
// asleep. Nothing else wakes it, as a stream of interrupts would hide a lost wake: the next one makes up for it. A
// cycle is shorter than an instruction takes under the emulator.
//
// Twice: with a deadline, by the port's timer, and without, where the same timer is used by a watchdog.
#include "support.hpp"

namespace {

using namespace test;

constexpr std::uint32_t most_cycles = 1800;
constexpr std::uint32_t asleep_cycles = 300; // for so many at the end of the sweep, the loop is asleep already
constexpr auto patience = 5ms;

InterruptedAt addresses;
rouse::ThreadSafeFlag flag;
rouse::MachineTimer watchdog{board::mtime, board::mtimecmp, board::mtime_hertz};
volatile std::uint32_t barks = 0;
volatile bool barked = false;

// How many of the sweep's interrupts came at the address at which it comes when the loop is asleep: behind WFI.
std::uint32_t interrupts_behind_wfi = 0;
std::uintptr_t behind_wfi = 0;

void look_where(std::uint32_t cycles) {
    if (cycles <= most_cycles - asleep_cycles) return;
    if (behind_wfi == 0) behind_wfi = board::interrupted_at;
    if (behind_wfi == board::interrupted_at) ++interrupts_behind_wfi;
}

rouse::Task<> wait_without_deadline() {
    for (std::uint32_t cycles = 1; cycles <= most_cycles; ++cycles) {
        barked = false;
        watchdog.interrupt_at(watchdog.now() + patience);
        board::start_timer(cycles, false);
        co_await flag.wait();
        watchdog.no_interrupt();
        look_where(cycles);
    }
}

rouse::Task<std::uint32_t> wait_with_deadline() {
    std::uint32_t late = 0;
    for (std::uint32_t cycles = 1; cycles <= most_cycles; ++cycles) {
        const auto start = rouse::Clock::now();
        board::start_timer(cycles, false);
        auto outcome = co_await rouse::try_wait_for(flag.wait(), patience);
        if (!outcome.has_value() || rouse::Clock::now() - start >= patience) ++late;
    }
    co_return late;
}

} // namespace

extern "C" void timer_interrupt() {
    addresses.note();
    flag.set();
}
extern "C" void tick_interrupt() { // the return from it wakes the hart
    check(!barked, "a wake was lost for good");
    barked = true;
    barks = barks + 1;
    watchdog.interrupt_at(watchdog.now() + patience);
}

int main() {
    CountingTimer timer;
    rouse::RiscvPort port{timer};
    rouse::Loop loop{port};
    loop.run(wait_without_deadline());
    const std::uint32_t late = loop.run(wait_with_deadline());
    board::print(board::name, " lost_wake: ", 2 * most_cycles, " waits, ", std::uint32_t{barks}, " + ", late, " lost; ",
                 addresses.distinct(), " distinct addresses interrupted; asleep at the end ", interrupts_behind_wfi,
                 " times of ", asleep_cycles, "\n");
    check(barks == 0 && late == 0, "wakes were lost");
    check(interrupts_behind_wfi == asleep_cycles, "the loop was not asleep at the end of the sweep");
    check(addresses.distinct() > 200, "the interrupts came in too few places");
}
