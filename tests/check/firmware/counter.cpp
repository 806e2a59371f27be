// A driver whose interrupt counts bytes and wakes a task, for examples/firmware/interrupt-everywhere. FAULTY: the task
// takes the count in two steps, without masking the interrupt.
#include "run_task.hpp"

using namespace std::chrono_literals;

extern "C" {
[[gnu::noinline, gnu::used]] void stretch_begins() { asm volatile(""); }
[[gnu::noinline, gnu::used]] void has_taken() { asm volatile(""); }
[[gnu::noinline, gnu::used]] void stretch_ends() { asm volatile(""); }
}

static volatile std::uint32_t count = 1; // a byte is there already
static constinit rouse::ThreadSafeFlag arrived;

// The board's timer, interrupt 8 on each of the boards of this test. It is not started, but made pending from outside.
extern "C" void timer_interrupt() {
    count = count + 1;
    arrived.set();
}

static std::uint32_t take() {
#if !defined(FAULTY)
    asm volatile("cpsid i" ::: "memory");
#endif
    const std::uint32_t taken = count;
    count = 0;
#if !defined(FAULTY)
    asm volatile("cpsie i" ::: "memory");
#endif
    return taken;
}

static void enable_timer_interrupt() {
    auto& set_enable = *reinterpret_cast<volatile std::uint32_t*>(0xe000e100); // NVIC_ISER
    set_enable = 1u << 8;
}

static rouse::Task<int> main_task() {
    enable_timer_interrupt();
    stretch_begins();
    std::uint32_t taken = take();
    has_taken();
    while (taken < 2) {
        auto outcome = co_await rouse::try_wait_for(arrived.wait(), 1s);
        if (outcome.timed_out()) {
            board::print("the second byte is lost\n");
            co_return 1;
        }
        taken += take();
    }
    stretch_ends();
    co_return 0;
}

int main() { return run_task(main_task()); }
