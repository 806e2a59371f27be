// A storm: the timer interrupts again and again, after times that sweep over all remainders, and each time sets a flag
// and an event, puts an item into one queue and takes one out of another, while four tasks use them. Every item must
// arrive once, in order and whole; no wake may be missing at the end, and none may come for nothing.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t interrupts_in_all = 20'000;
constexpr std::uint32_t items_of_tasks = 5'000;

constinit InterruptedAt addresses;
constinit rouse::ThreadSafeFlag flag;
constinit rouse::ThreadSafeEvent event;

struct Item {
    std::uint32_t number, inverse;
};
constinit rouse::ThreadSafeQueue<Item, 4> to_tasks;
constinit rouse::ThreadSafeQueue<Item, 3> from_tasks;

// Written by the interrupt.
volatile std::uint32_t interrupts = 0;
volatile std::uint32_t accepted = 0;
volatile std::uint32_t refused = 0;
volatile std::uint32_t taken = 0;
volatile bool over = false;

// Written by the tasks.
std::uint32_t flag_wakes = 0;
std::uint32_t event_wakes = 0;
std::uint32_t received = 0;

bool whole(const Item& item, std::uint32_t number) { return item.number == number && item.inverse == ~number; }

// From a few instructions behind the last interrupt to a whole turn of the loop; 997 is prime.
void arm(std::uint32_t which) { board::start_timer(60 + which * 389 % 997 * ((which & 7) + 1) / 2, false); }

void storm() {
    Stopwatch::start(10'000'000); // a watchdog
    addresses.note();
    interrupts = interrupts + 1;
    check(interrupts < 5 * interrupts_in_all, "a wake was lost: tasks have stopped");
    const Item item{accepted, ~accepted};
    if (accepted == interrupts_in_all / 2) {
        to_tasks.close();
    } else if (to_tasks.put_sync(item)) {
        accepted = accepted + 1;
    } else {
        refused = refused + 1;
    }
    if (const auto got = from_tasks.get_sync()) {
        check(whole(*got, taken), "the interrupt got another item than the next");
        taken = taken + 1;
    }
    over = interrupts >= interrupts_in_all && from_tasks.closed() && from_tasks.empty() && to_tasks.closed();
    flag.set();
    event.set();
    if (!over) arm(interrupts);
}

Task<> wait_for_flag() {
    for (std::uint32_t seen = 0; !over;) {
        const std::uint32_t before = seen;
        co_await flag.wait();
        seen = interrupts;
        check(seen >= before && seen != 0, "the flag was received before what was written before it");
        ++flag_wakes;
    }
}

Task<> wait_for_event() {
    while (!over) {
        event.clear();
        if (over) break;
        const std::uint32_t before = interrupts;
        co_await event.wait();
        check(interrupts >= before && event.is_set(), "the event was received, and is not set");
        ++event_wakes;
    }
}

Task<> get_items() {
    for (;;) {
        const auto item = co_await to_tasks.next();
        if (!item) break;
        check(whole(*item, received), "a task got another item than the next");
        ++received;
    }
}

Task<> put_items() {
    for (std::uint32_t number = 0; number < items_of_tasks; ++number) {
        const bool is_accepted = co_await from_tasks.put(Item{number, ~number});
        check(is_accepted, "an open queue refuses an item");
    }
    from_tasks.close();
}

Task<> main_task() {
    arm(1);
    co_await rouse::gather(wait_for_flag(), wait_for_event(), get_items(), put_items());
}

} // namespace

extern "C" void timer_interrupt() { storm(); }
extern "C" void tick_interrupt() { fail("a wake was lost: nothing runs any more"); }

int main() {
    NoClock clock;
    run(clock, main_task());
    Stopwatch::stop();
    board::print("interrupt_storm: ", std::uint32_t{interrupts}, " interrupts at ", addresses.distinct(),
                 " distinct addresses; the flag woke ", flag_wakes, " times, the event ", event_wakes, "; items in ",
                 received, " (", std::uint32_t{refused}, " refused), out ", std::uint32_t{taken}, "\n");
    check(received == interrupts_in_all / 2 && received == accepted, "items have not arrived");
    check(taken == items_of_tasks, "items have not been taken");
    check(flag_wakes > 1000 && flag_wakes <= interrupts, "more wakes than interrupts, or hardly any");
    check(event_wakes > 1000 && event_wakes <= interrupts, "more wakes than interrupts, or hardly any");
    check(addresses.distinct() > 500, "the interrupts came in too few places");
}
