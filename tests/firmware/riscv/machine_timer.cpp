// The machine timer: what it makes of mtime at several frequencies, what it writes into mtimecmp, that mtime is read
// whole while its low half runs over, and that a sleep is a single one, which ends in time.
#include "support.hpp"

namespace {

using namespace test;

std::uint64_t fake_time = 0;
std::uint64_t fake_compare = 0;

std::int64_t nanoseconds(rouse::TimePoint time) { return time.time_since_epoch().count(); }

// Seconds are exact, or less by a nanosecond in 2^32 ticks, where a tick is not a whole number of 2^-32 nanoseconds.
void frequency(std::uint32_t hertz) {
    rouse::MachineTimer timer{reinterpret_cast<std::uintptr_t>(&fake_time),
                              reinterpret_cast<std::uintptr_t>(&fake_compare), hertz};
    for (const std::uint32_t seconds : {0U, 1U, 2U, 100U, 3600U, 5'000'000U}) {
        fake_time = std::uint64_t{seconds} * hertz;
        const std::int64_t right = std::int64_t{seconds} * 1'000'000'000;
        const std::int64_t now = nanoseconds(timer.now());
        check(now <= right && now >= right - 1 - static_cast<std::int64_t>(fake_time >> 32), "the time is wrong");

        // At the first or the second tick that is not before the deadline, or earlier by the factor's error.
        for (const std::int64_t sleep :
             {std::int64_t{1}, std::int64_t{999'999'937}, std::int64_t{86'400'000'000'000}}) {
            timer.interrupt_at(rouse::TimePoint{std::chrono::nanoseconds{now + sleep}});
            timer.no_interrupt();
            const std::uint64_t compare = fake_compare;
            check(compare > fake_time, "an interrupt at once for a deadline in the future");
            fake_time = compare > 2 ? compare - 2 : 0;
            check(nanoseconds(timer.now()) < now + sleep, "the interrupt is late by more than a tick");
            fake_time = compare;
            check(nanoseconds(timer.now()) >= now + sleep - sleep / 100'000, "the interrupt is early");
            fake_time = std::uint64_t{seconds} * hertz;
        }
        timer.interrupt_at(rouse::TimePoint{std::chrono::nanoseconds{now - 1}});
        timer.no_interrupt();
        check(fake_compare <= fake_time, "no interrupt for a deadline that has passed");
    }
}

// Lets the low half run over between any two instructions of now(), and looks that the time does not jump.
std::uint32_t run_over() {
    rouse::MachineTimer timer{board::mtime, board::mtimecmp, board::mtime_hertz};
    std::uint32_t jumps = 0;
    for (std::uint32_t before = 1; before <= 60; ++before) {
        auto& low = *reinterpret_cast<volatile std::uint32_t*>(board::mtime);
        auto& high = *reinterpret_cast<volatile std::uint32_t*>(board::mtime + 4);
        low = 0;
        high = before;
        low = 0U - before;
        rouse::TimePoint last = timer.now();
        for (int i = 0; i < 10; ++i) {
            const rouse::TimePoint now = timer.now();
            if (now < last || now - last > 1ms) ++jumps;
            last = now;
        }
    }
    return jumps;
}

rouse::Task<std::int64_t> most_late() {
    std::int64_t most = 0;
    for (const auto sleep : {80us, 137us, 1000us, 33333us, 2'000'000us}) {
        const rouse::TimePoint deadline = rouse::Clock::now() + sleep;
        co_await rouse::sleep_until(deadline);
        const std::int64_t late = (rouse::Clock::now() - deadline).count();
        check(late >= 0, "a sleep ended early");
        if (late > most) most = late;
    }
    co_return most;
}

} // namespace

int main() {
    for (const std::uint32_t hertz : {32'768U, 1'000'000U, 3'000'000U, 10'000'000U, 24'000'000U, 1'000'000'000U})
        frequency(hertz);
    const std::uint32_t jumps = run_over();
    CountingTimer timer;
    rouse::RiscvPort port{timer};
    rouse::Loop loop{port};
    const std::int64_t late = loop.run(most_late());
    board::print(board::name, " machine_timer: 5 sleeps, ", timer.sleeps, " of the port, late by at most ",
                 static_cast<std::uint32_t>(late), " ns; ", jumps, " jumps when the low half ran over\n");
    check(jumps == 0, "the time jumps when the low half of mtime runs over");
    check(timer.sleeps == 5, "not one sleep of the port for each of the task's");
    check(late < 50'000, "a sleep ended late");
}
