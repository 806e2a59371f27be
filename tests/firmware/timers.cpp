// SysTickClock and what sleeps by it. Time must not go back or jump, whenever it is asked: around each of thousands of
// ticks, and with a tick pending behind a mask. Sleeps end in order, never early, and not later than the tick behind
// their deadline, while the timer interrupts at times that sweep over all remainders.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t ticks_awake = 3'000;
constexpr std::uint32_t ticks_pending = 500;
constexpr std::uint32_t rounds_of_sleep = 150;
constexpr std::uint32_t sleepers = 8;

constinit InterruptedAt addresses;
rouse::SysTickClock* systick = nullptr;
volatile std::uint32_t ticks = 0;

// Whether the time goes on, in steps that are not longer than a call of now() and an interrupt take.
class Steps {
public:
    void look() {
        const rouse::TimePoint now = systick->now();
        check(now >= before_, "time has gone back");
        check(now - before_ < 80us, "time has jumped");
        if (now - before_ > longest) longest = now - before_;
        before_ = now;
        ++looks;
    }

    std::chrono::nanoseconds longest{};
    std::uint32_t looks = 0;

private:
    rouse::TimePoint before_ = systick->now();
};

void look_around_ticks() {
    Steps steps;
    const std::uint32_t counted = board::counter_now();
    const rouse::TimePoint start = systick->now();
    for (std::uint32_t tick = 0; tick < ticks_awake;) {
        if (tick != ticks) { // so that the next one does not come in the same place
            tick = ticks;
            for (std::uint32_t spin = 0; spin < tick * 37 % 67; ++spin) asm volatile("nop");
        }
        steps.look();
    }
    const auto passed = static_cast<std::uint32_t>((systick->now() - start).count() / 1000);
    std::uint32_t cycles = board::counter_now() - counted;
    if (board::counter_kind == board::CounterKind::down_32) cycles = 0 - cycles;
    if (board::counter_kind != board::CounterKind::systick_24) { // microseconds, by the other timer
        const std::uint32_t expected = cycles / (board::timer_hertz / 1'000'000);
        check(passed + 20 > expected && passed < expected + 20, "the clock is not right by the other timer");
    }
    board::print(steps.looks, " looks around ", ticks_awake, " ticks, at the most ",
                 static_cast<std::uint32_t>(steps.longest.count()), " ns apart; ");
}

bool tick_is_pending() { return (*reinterpret_cast<volatile std::uint32_t*>(0xe000ed04) & (1U << 26)) != 0; }

void look_with_a_tick_pending() {
    const std::uint32_t cycles_per_tick = board::clock_hertz / 10'000;
    Steps steps;
    for (std::uint32_t tick = 0; tick < ticks_pending; ++tick) {
        {
            const rouse::detail::InterruptsMasked masked;
            while (!tick_is_pending()) steps.look();
            // For up to three quarters of the period: a second tick would be lost.
            const std::uint32_t rest = cycles_per_tick - cycles_per_tick / 400 * 3 * (tick % 100);
            while (Stopwatch::left() > rest) steps.look();
        }
        steps.look();
    }
    board::print(steps.looks, " around ", ticks_pending, " that were pending; ");
}

void arm(std::uint32_t which) { board::start_timer(300 + which * 389 % 997, false); }

volatile bool storm = false;
volatile std::uint32_t interrupts = 0;
constinit rouse::ThreadSafeFlag flag;

Task<> flagged() {
    for (;;) co_await flag.wait();
}

struct Woken {
    rouse::TimePoint deadline;
    std::uint32_t set;
};
Woken last{};
std::uint32_t set = 0;
std::uint32_t woken = 0;
std::chrono::nanoseconds latest{};

Task<> sleeper(rouse::TimePoint deadline) {
    const Woken own{deadline, set++};
    co_await rouse::sleep_until(deadline);
    const rouse::TimePoint now = rouse::Clock::now();
    check(now >= deadline, "a sleep has ended early");
    check(last.deadline < deadline || (last.deadline == deadline && last.set < own.set) || woken == 0,
          "sleeps have ended in another order than that of their deadlines");
    latest = now - deadline > latest ? now - deadline : latest;
    last = own;
    ++woken;
}

Task<> main_task() {
    look_around_ticks();
    look_with_a_tick_pending();

    for (std::uint32_t each = 0; each < 300; ++each) { // nothing else is to be done: a tick, and a turn of the loop
        co_await sleeper(rouse::Clock::now() + 100us + each * 730ns);
        woken = 0;
    }
    check(latest < 150us, "a sleep has ended later than the tick behind its deadline");
    board::print("300 sleeps, at the most ", static_cast<std::uint32_t>(latest.count() / 1000), " us late; ");
    latest = {};

    auto background = rouse::create_task(flagged());
    storm = true;
    arm(1);
    std::uint32_t random = 1;
    for (std::uint32_t round = 0; round < rounds_of_sleep; ++round) {
        const rouse::TimePoint start = rouse::Clock::now();
        woken = 0;
        for (std::uint32_t each = 0; each < sleepers; ++each) {
            random = random * 1664525 + 1013904223;
            // A few of them are due at one instant.
            const auto task = rouse::create_task(sleeper(start + 1ms + (random >> 28) * 40us));
            check(static_cast<bool>(task), "the pool is used up");
        }
        while (woken < sleepers) co_await rouse::sleep(100us);
    }
    storm = false;
    background.cancel();
    check(latest < 500us, "a sleep in the storm has ended later than a tick and what was to be done");
    board::print(sleepers * rounds_of_sleep, " in the storm, in order, at the most ",
                 static_cast<std::uint32_t>(latest.count() / 1000), " us late; ");
}

} // namespace

extern "C" void timer_interrupt() {
    interrupts = interrupts + 1;
    addresses.note();
    flag.set();
    if (storm) arm(interrupts);
}

extern "C" void tick_interrupt() {
    ticks = ticks + 1;
    systick->tick();
}

int main() {
    board::print("timers: ");
    if (board::counter_kind != board::CounterKind::systick_24) board::start_counter(0);
    rouse::SysTickClock clock{board::clock_hertz, 100us};
    systick = &clock;
    run(clock, main_task());
    board::print(std::uint32_t{interrupts}, " interrupts at ", addresses.distinct(), " distinct addresses\n");
    check(interrupts > 1000 && addresses.distinct() > 200, "the interrupts came too seldom");
}
