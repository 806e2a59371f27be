// A storm of puts into one queue: of SysTick, of the timer, whose priority is higher and which interrupts it, and of a
// task, which waits for room. The times of both sweep over all remainders. Every item must arrive once, and those of
// each producer in order.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t interrupts_in_all = 20'000;

constinit InterruptedAt addresses;

enum Producer : std::uint32_t { timer, tick, task, producers };
struct Item {
    std::uint32_t producer = 0, number = 0;
};
constinit rouse::ThreadSafeMpscQueue<Item, 3> queue; // not a power of two

// Written by the interrupts.
volatile std::uint32_t accepted[producers] = {};
volatile std::uint32_t refused[producers] = {};
volatile std::uint32_t interrupts = 0, within_a_put = 0;
volatile bool tick_puts = false;

// Written by the tasks.
std::uint32_t received[producers] = {};

void put(Producer producer) {
    if (queue.put_sync(Item{producer, accepted[producer]})) {
        accepted[producer] = accepted[producer] + 1;
    } else {
        refused[producer] = refused[producer] + 1;
    }
}

// From a few instructions behind the last interrupt to a whole turn of the loop; 997 is prime.
std::uint32_t moment(std::uint32_t which) { return 60 + which * 389 % 997 * ((which & 7) + 1) / 2; }

Task<> send() {
    while (interrupts < interrupts_in_all) {
        const std::uint32_t number = accepted[task];
        const bool is_accepted = co_await queue.put(Item{task, number});
        check(is_accepted, "an open queue refuses an item");
        accepted[task] = number + 1;
    }
    queue.close();
}

Task<> receive() {
    while (const auto item = co_await queue.next()) {
        check(item->producer < producers, "an item is torn");
        check(item->number == received[item->producer], "an item is lost, comes twice, or overtakes another");
        ++received[item->producer];
    }
}

Task<> main_task() {
    board::start_timer(moment(1), false);
    Stopwatch::start(moment(2));
    co_await rouse::gather(send(), receive());
}

// Of the processor: all interrupts begin with the highest priority, 0.
void give_tick_the_lowest_priority() {
    auto& priorities = *reinterpret_cast<volatile std::uint32_t*>(0xe000ed20);
    priorities = priorities | 0xff000000U;
}

} // namespace

extern "C" void timer_interrupt() {
    addresses.note();
    if (tick_puts) within_a_put = within_a_put + 1;
    put(timer);
    interrupts = interrupts + 1;
    if (interrupts < interrupts_in_all) board::start_timer(moment(interrupts), false);
}
extern "C" void tick_interrupt() {
    tick_puts = true;
    put(tick);
    tick_puts = false;
    Stopwatch::start(moment(accepted[tick] + refused[tick]) + 40);
}

int main() {
    give_tick_the_lowest_priority();
    NoClock clock;
    run(clock, main_task());
    Stopwatch::stop();
    board::print("producers_storm: ", std::uint32_t{interrupts}, " interrupts at ", addresses.distinct(),
                 " distinct addresses, ", std::uint32_t{within_a_put}, " within a put of another interrupt; received ",
                 received[timer], ", ", received[tick], " and ", received[task], "\n");
    for (std::uint32_t each = 0; each < producers; ++each) {
        check(received[each] == accepted[each], "what was accepted has not been received");
        check(received[each] > 1000, "hardly any items of one of them");
    }
    check(within_a_put > 100, "the timer has hardly ever interrupted a put");
    check(addresses.distinct() > 300, "the interrupts came in too few places");
}
