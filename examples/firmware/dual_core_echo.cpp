// Two cores: the second one echoes numbers, in plain code without a loop; the loop on the first one sends them, and
// checks what comes back. Two ThreadSafeQueues are all that the cores share.
//
//     cd examples/firmware && ./build mps2-an521 echo.elf dual_core_echo.cpp -Os -DROUSE_CORES=2 && ICOUNT=off ./run
//     mps2-an521 echo.elf
#include "board.hpp"
#include "second_core.hpp"

// What rouse does where an error cannot be thrown: here, it says so and ends the emulator. Before any header of rouse.
#define ROUSE_PANIC(message) (board::print(message, "\n"), board::exit(4))

#include <rouse/ports/cortex_m.hpp>
#include <rouse/rouse.hpp>

#if ROUSE_CORES < 2
#error "two cores run this program: build it with -DROUSE_CORES=2"
#endif

static constexpr std::uint32_t numbers = 10'000;

static constinit rouse::ThreadSafeQueue<std::uint32_t, 8> to_second;
static constinit rouse::ThreadSafeQueue<std::uint32_t, 8> from_second;
static rouse::SysTickClock* systick = nullptr;

extern "C" void tick_interrupt() { systick->tick(); }

// On the second core.
static void echo() {
    while (!to_second.closed() || !to_second.empty()) {
        const auto number = to_second.get_sync();
        if (!number) continue;
        while (!from_second.put_sync(*number)) {
        }
    }
    from_second.close();
    for (;;) asm volatile("wfe");
}

static rouse::Task<> send() {
    for (std::uint32_t number = 0; number < numbers; ++number) {
        const bool accepted = co_await to_second.put(number);
        if (!accepted) co_return;
    }
    to_second.close();
}

static rouse::Task<int> main_task() {
    const auto start = rouse::Clock::now();
    const auto sender = rouse::create_task(send());
    std::uint32_t echoed = 0;
    while (const auto number = co_await from_second.next()) {
        if (*number != echoed) {
            board::print("number ", *number, " came in place of ", echoed, "\n");
            co_return 1;
        }
        ++echoed;
    }
    co_await sender;
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(rouse::Clock::now() - start);
    board::print(echoed, " numbers echoed by the second core, in order, in ", static_cast<std::uint32_t>(time.count()),
                 " ms\n");
    co_return echoed == numbers ? 0 : 1;
}

int main() {
    rouse::SysTickClock clock{board::clock_hertz};
    systick = &clock;
    rouse::CortexMPort port{clock};
    rouse::Loop loop{port};
    board::start_second_core(echo);
    return loop.run(main_task());
}
