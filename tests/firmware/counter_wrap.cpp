// A clock made of a hardware counter of 24 or 32 bits, by WrappingCounter, for the port of a loop that sleeps by a
// one-shot timer; without a tick. Time must go on across the wrap, read by the loop and by interrupts that come in
// between, and over many wraps of sleep.
#include "support.hpp"

#include <rouse/ports/wrapping_counter.hpp>

using namespace test;

namespace {

constexpr std::uint32_t wraps = 40;
constexpr std::uint32_t cycles_before_wrap = 4'000;
constexpr std::uint32_t cycles_behind_wrap = 12'000;

constinit InterruptedAt addresses;

class Clock {
public:
    virtual std::uint64_t cycles() noexcept = 0;

    [[nodiscard]] rouse::TimePoint now() noexcept { return rouse::TimePoint{to_time(cycles())}; }

    void interrupt_at(rouse::TimePoint deadline) noexcept {
        const auto left = (deadline - now()).count();
        // Every 0.2 s at the least, so that the counter is read before it wraps: 24 bits last 0.3 s.
        const auto nanoseconds = left < 1'000 ? 1'000 : left > 200'000'000 ? 200'000'000 : left;
        board::start_timer(
            static_cast<std::uint32_t>(nanoseconds) / 1'000 * (board::timer_hertz / 1'000'000) + 1 + extra, false);
    }

    static std::chrono::nanoseconds to_time(std::uint64_t cycles) {
        const std::uint32_t megahertz = board::timer_hertz / 1'000'000;
        return std::chrono::nanoseconds{static_cast<std::int64_t>(cycles * 1'000 / megahertz)};
    }

protected:
    ~Clock() = default;

private:
    static constexpr std::uint32_t extra = 25; // the rounding
};

// Of the counter of this board.
template <unsigned Bits, rouse::Counting Direction>
class CounterClock final : public Clock {
public:
    std::uint64_t cycles() noexcept override { return counter_.read(board::counter_now); }

private:
    rouse::WrappingCounter<Bits, Direction, rouse::detail::InterruptsMasked> counter_{board::counter_now()};
};

Clock* clock_of_wrap = nullptr;
std::uint64_t newest = 0; // that anybody has read; with interrupts masked
volatile bool storm = false;
volatile std::uint32_t interrupts = 0;

void look(std::uint64_t not_before) {
    const std::uint64_t now = clock_of_wrap->cycles();
    check(now >= not_before, "time has gone back");
    check(now - not_before < 5'000, "time has jumped");
    const rouse::detail::InterruptsMasked masked;
    if (now > newest) newest = now;
}

std::uint64_t newest_now() {
    const rouse::detail::InterruptsMasked masked;
    return newest;
}

// Shortly before its wrap the counter is read by everybody, until some time behind it.
Task<> across_the_wrap(std::uint32_t which, std::uint32_t cycles_to_wrap) {
    if (cycles_to_wrap > cycles_before_wrap) co_await rouse::sleep(Clock::to_time(cycles_to_wrap - cycles_before_wrap));
    newest = clock_of_wrap->cycles();
    storm = true;
    board::start_timer(100 + which * 37, false);
    const std::uint64_t end = newest + cycles_before_wrap + cycles_behind_wrap;
    while (newest_now() < end) look(newest_now());
    storm = false;
    board::stop_timer();

    for (int each = 0; each < 5; ++each) {
        const rouse::TimePoint start = rouse::Clock::now();
        co_await rouse::sleep(70us);
        const auto slept = rouse::Clock::now() - start;
        check(slept >= 70us && slept < 400us, "a sleep was too short or too long");
    }
}

Task<> sleep_long() {
    const rouse::TimePoint start = rouse::Clock::now();
    co_await rouse::sleep(600s);
    const auto slept = rouse::Clock::now() - start;
    check(slept >= 600s && slept < 600s + 1ms, "a long sleep was too short or too long");
}

template <class C>
void run_on() {
    const std::uint32_t whole = 0U - 1;
    for (std::uint32_t wrap = 0; wrap < wraps; ++wrap) {
        std::uint32_t to_wrap = 2'000 + wrap * 13;
        switch (board::counter_kind) {
        case board::CounterKind::down_32: board::start_counter(to_wrap); break;
        case board::CounterKind::up_32: board::start_counter(whole - to_wrap); break;
        case board::CounterKind::systick_24:
            board::start_counter(0);
            to_wrap = 0xff'ffff;
            break;
        }
        C clock;
        clock_of_wrap = &clock;
        run(static_cast<Clock&>(clock), across_the_wrap(wrap, to_wrap));
    }
    C clock;
    clock_of_wrap = &clock;
    run(static_cast<Clock&>(clock), sleep_long());
}

} // namespace

extern "C" void timer_interrupt() {
    addresses.note();
    interrupts = interrupts + 1;
    if (!storm) return;
    look(newest_now());
    board::start_timer(150 + interrupts * 389 % 997, false);
}

int main() {
    switch (board::counter_kind) {
    case board::CounterKind::down_32: run_on<CounterClock<32, rouse::Counting::down>>(); break;
    case board::CounterKind::up_32: run_on<CounterClock<32, rouse::Counting::up>>(); break;
    case board::CounterKind::systick_24: run_on<CounterClock<24, rouse::Counting::down>>(); break;
    }
    board::print("counter_wrap: ", wraps, " wraps read across, 600 s slept; ", std::uint32_t{interrupts},
                 " interrupts at ", addresses.distinct(), " distinct addresses\n");
    check(addresses.distinct() > 20, "the interrupts came in too few places");
}
