// No wake is lost, wherever in the loop's way to sleep the interrupt comes. One request, one answer: a task arms the
// timer for d cycles and waits, d is swept until the loop sleeps, and nothing else wakes it: a stream of interrupts
// would hide a lost wake, as the next one makes up for it. A cycle is shorter than an instruction takes under the
// emulator, so the sweep passes over none.
//
// Between the last look and WFI interrupts are masked, and one that comes there is taken behind it. How many of the
// delays led there is seen from how late the interrupt was taken.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t watch_cycles = 1'000'000; // longer than any turn of the loop

constinit InterruptedAt addresses;
std::uint32_t all_delays = 0;
std::uint32_t all_held = 0;
std::uint32_t least_held = ~std::uint32_t{0};
volatile std::uint32_t lost = 0;

constinit rouse::ThreadSafeFlag flag;
constinit rouse::ThreadSafeEvent event;
constinit rouse::ThreadSafeQueue<std::uint32_t, 2> to_task;
constinit rouse::ThreadSafeQueue<std::uint32_t, 2> from_task;

void (*answer)();

// The shot of now: the task arms it, the interrupts write the rest.
volatile std::uint32_t delay = 0;
volatile std::uint32_t armed = 0;    // the stopwatch, when the timer was started
volatile std::uint32_t late = 0;     // cycles from when it was due to its handler
volatile std::uintptr_t came_at = 0; // 0: it has not come yet
volatile std::uint32_t watched = 0;  // how often the stopwatch has run out

// One pass over the delays, for one kind of wait.
class Sweep {
public:
    Sweep(const char* what, void (*how)()) : what_{what} {
        answer = how;
        delay = 0;
    }

    /// Arms the timer with the next delay; false when the loop was asleep long before the last ones.
    bool next() {
        if (asleep_ == delays_of_sleep) {
            least_held = held_ < least_held ? held_ : least_held;
            board::print(what_, " ", std::uint32_t{delay}, ", ");
            all_delays += delay;
            all_held += held_;
            return false;
        }
        delay = delay + 1;
        check(delay < 20'000, "the loop does not go to sleep");
        watched = 0;
        came_at = 0;
        Stopwatch::start(watch_cycles);
        while (Stopwatch::left() == 0) {
        }
        armed = Stopwatch::left();
        board::start_timer(delay, false);
        return true;
    }

    /// In the task, when it has been woken.
    void woken() {
        Stopwatch::stop();
        check(came_at != 0, "woken without the interrupt");
        if (came_at != came_before_) {
            held_ = asleep_ = 0;
            shortest_ = 0x7fffffff;
        }
        if (late + an_instruction <= shortest_) { // it was held back for less than those before
            shortest_ = late;
            held_ += asleep_;
            asleep_ = 0;
        }
        ++asleep_;
        came_before_ = came_at;
    }

private:
    static constexpr std::uint32_t delays_of_sleep = 60;
    const std::uint32_t an_instruction = board::clock_hertz / 15'625'000 + 1; // in cycles, by -icount shift=6

    const char* what_;
    // Of the delays whose interrupt was taken at `came_before_`, which in the end is the place behind WFI:
    std::uintptr_t came_before_ = 0;
    std::uint32_t held_ = 0;     // how many came earlier, and were held back by the mask
    std::uint32_t asleep_ = 0;   // and how many did not
    std::uint32_t shortest_ = 0; // the shortest lateness
};

Task<> main_task() {
    for (Sweep sweep{"flag", [] { flag.set(); }}; sweep.next(); sweep.woken()) co_await flag.wait();

    for (Sweep sweep{"event", [] { event.set(); }}; sweep.next(); sweep.woken()) {
        co_await event.wait();
        event.clear();
    }

    std::uint32_t expected = 0;
    auto put = [] {
        static std::uint32_t number = 0;
        check(to_task.put_sync(number++), "an empty queue is full");
    };
    for (Sweep sweep{"get", put}; sweep.next(); sweep.woken()) {
        const std::uint32_t item = co_await to_task.get();
        check(item == expected++, "another item than was put");
    }

    auto get = [] {
        static std::uint32_t number = 0;
        const auto item = from_task.get_sync();
        check(item == number++, "another item than was put, or none");
    };
    for (std::uint32_t number = 0; number < 2; ++number) check(from_task.put_sync(number), "an empty queue is full");
    std::uint32_t number = 2;
    for (Sweep sweep{"put", get}; sweep.next(); sweep.woken()) {
        const bool accepted = co_await from_task.put(number++);
        check(accepted, "an open queue refuses an item");
    }
}

} // namespace

extern "C" void timer_interrupt() {
    late = armed - Stopwatch::left() - delay;
    came_at = board::interrupted_at;
    addresses.note();
    answer();
}

extern "C" void tick_interrupt() {
    lost = lost + 1;
    watched = watched + 1;
    check(watched == 1, "a wake was lost for good: nothing runs any more");
}

int main() {
    board::print("lost_wake: delays: ");
    NoClock clock;
    run(clock, main_task());
    board::print(std::uint32_t{lost}, " lost of ", all_delays, "; ", all_held, " came between look and WFI; ",
                 addresses.distinct(), " distinct addresses interrupted\n");
    check(lost == 0, "wakes were lost");
    check(least_held >= 3, "no interrupt came between the last look and WFI");
}
