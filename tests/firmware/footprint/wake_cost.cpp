// How many instructions an interrupt spends in set(), and how many there are from its set() to the first instruction of
// the task that waits, while the loop sleeps. By SysTick, where the emulator makes each instruction take 64 ns.
#include "program.hpp"

namespace {

std::uint32_t now() { return *reinterpret_cast<volatile std::uint32_t*>(0xe000e018); }

std::uint32_t instructions(std::uint32_t from, std::uint32_t to) { // SysTick counts down, once round in a millisecond
    const std::uint32_t reload = *reinterpret_cast<volatile std::uint32_t*>(0xe000e014);
    const std::uint32_t ticks_between = from >= to ? from - to : from + reload + 1 - to;
    return static_cast<std::uint32_t>(std::uint64_t{ticks_between} * 1'000'000'000 / board::clock_hertz / 64);
}

// Read twice, the clock shows what it costs to read it.
volatile std::uint32_t before, between, after;

rouse::Task<int> measure() {
    std::uint32_t most_in_set = 0, most_to_task = 0;
    for (int i = 0; i < 50; ++i) {
        board::start_timer(board::timer_hertz / 1000 * 3 + static_cast<std::uint32_t>(i) * 7, false);
        co_await flag.wait();
        const std::uint32_t here = now();
        const std::uint32_t reading = instructions(before, between);
        const std::uint32_t in_set = instructions(between, after) - reading;
        const std::uint32_t to_task = instructions(between, here) - 2 * reading;
        if (in_set > most_in_set) most_in_set = in_set;
        if (to_task > most_to_task) most_to_task = to_task;
    }
    board::print("set ", most_in_set);
    board::print(" task ", most_to_task, "\n");
    co_return most_in_set == 0 || most_to_task <= most_in_set;
}

} // namespace

extern "C" void timer_interrupt() {
    before = now();
    between = now();
    flag.set();
    after = now();
}

int main() { return loop.run(measure()); }
