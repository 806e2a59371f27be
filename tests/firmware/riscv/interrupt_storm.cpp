// A storm: the timer interrupts again and again, after times that sweep over all remainders; each time it sets a flag,
// puts an item into one queue and takes one out of another. Every item must arrive once, in order and whole, and no
// wake may be missing at the end.
#include "support.hpp"

namespace {

using namespace test;

constexpr std::uint32_t items = 20'000;

struct Item {
    std::uint32_t number, inverse;
    [[nodiscard]] bool is(std::uint32_t expected) const { return number == expected && inverse == ~expected; }
};

InterruptedAt addresses;
rouse::ThreadSafeFlag flag;
rouse::ThreadSafeQueue<Item, 3> to_tasks;
rouse::ThreadSafeQueue<Item, 3> from_tasks;

// Written by the interrupt.
volatile std::uint32_t interrupts = 0;
volatile std::uint32_t put = 0;
volatile std::uint32_t refused = 0;
volatile std::uint32_t taken = 0;

bool over() { return put == items && taken == items; }

// From a few instructions behind the last interrupt to a whole turn of the loop; 997 is prime.
void arm(std::uint32_t which) { board::start_timer(60 + which * 389 % 997 * ((which & 7) + 1) / 2, false); }

rouse::Task<std::uint32_t> wait_for_flag() {
    std::uint32_t wakes = 0;
    while (!over()) {
        co_await flag.wait();
        ++wakes;
    }
    co_return wakes;
}

rouse::Task<> get_items() {
    for (std::uint32_t number = 0; number < items; ++number) {
        const auto item = co_await to_tasks.next();
        check(item && item->is(number), "a task got another item than the next");
    }
}

rouse::Task<> put_items() {
    for (std::uint32_t number = 0; number < items; ++number) {
        const bool accepted = co_await from_tasks.put(Item{number, ~number});
        check(accepted, "an open queue refuses an item");
    }
}

rouse::Task<std::uint32_t> main_task() {
    arm(1);
    auto waits = rouse::create_task(wait_for_flag());
    co_await rouse::gather(get_items(), put_items());
    const std::uint32_t wakes = co_await waits;
    co_return wakes;
}

} // namespace

extern "C" void timer_interrupt() {
    addresses.note();
    interrupts = interrupts + 1;
    if (put != items) {
        const std::uint32_t number = put;
        if (to_tasks.put_sync(Item{number, ~number})) {
            put = number + 1;
        } else {
            refused = refused + 1;
        }
    }
    if (const auto item = from_tasks.get_sync()) {
        check(item->is(taken), "the interrupt got another item than the next");
        taken = taken + 1;
    }
    flag.set();
    if (!over()) arm(interrupts);
}

int main() {
    rouse::MachineTimer timer{board::mtime, board::mtimecmp, board::mtime_hertz};
    rouse::RiscvPort port{timer};
    rouse::Loop loop{port};
    const std::uint32_t wakes = loop.run(main_task());
    board::print(board::name, " interrupt_storm: ", std::uint32_t{interrupts}, " interrupts at ", addresses.distinct(),
                 " distinct addresses; ", items, " items in (", std::uint32_t{refused}, " refused) and ", items,
                 " out; the flag woke ", wakes, " times\n");
    check(addresses.distinct() > 500, "the interrupts came in too few places");
    check(wakes > 1000 && wakes <= interrupts, "more wakes than interrupts, or hardly any");
}
