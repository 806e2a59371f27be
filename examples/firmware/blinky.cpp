// Two LEDs: one is switched by a task that sleeps, the other one by a task that a timer's interrupt rouses. (The boards
// of the emulator have no LEDs; these are lines on its terminal.)
#include "run_task.hpp"

using namespace std::chrono_literals;

static constinit rouse::ThreadSafeFlag timer_came;

extern "C" void timer_interrupt() { timer_came.set(); }

static void show(const char* led, bool on, rouse::TimePoint start) {
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(rouse::Clock::now() - start);
    board::print(static_cast<std::uint32_t>(time.count()), " ms: ", led, on ? " on\n" : " off\n");
}

static rouse::Task<> blink_by_sleeping(rouse::TimePoint start) {
    for (int i = 1; i <= 6; ++i) {
        co_await rouse::sleep_until(start + i * 33ms);
        show("red", i % 2 == 1, start);
    }
}

static rouse::Task<> blink_by_interrupt(rouse::TimePoint start) {
    board::start_timer(board::timer_hertz / 50, true);
    for (int i = 1; i <= 10; ++i) {
        co_await timer_came.wait();
        show("green", i % 2 == 1, start);
    }
    board::stop_timer();
}

static rouse::Task<int> main_task() {
    const auto start = rouse::Clock::now();
    co_await rouse::gather(blink_by_sleeping(start), blink_by_interrupt(start));
    co_return rouse::Clock::now() - start >= 6 * 33ms ? 0 : 1;
}

int main() { return run_task(main_task()); }
