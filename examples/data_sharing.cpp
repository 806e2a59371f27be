// Three readings that must agree, written in a signal handler (which stands for an interrupt) and on a thread. First
// the wrong way: each value is whole, but the three are not of one moment. Then two right ways: a queue, which carries
// all three at once; and, between threads only, one value under a lock.
//
//   data_sharing
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "interrupt_timer.hpp"
#include "run_main.hpp"

using namespace std::chrono_literals;

struct Readings {
    int pressure, temperature, humidity; // here: three times the same number
    bool agree() const { return pressure == temperature && temperature == humidity; }
};

// The wrong way: three variables.
static std::array<std::atomic<int>, 3> torn{};
static void write_torn(int n) {
    for (auto& each : torn) each.store(n, std::memory_order_relaxed);
}
// Waits by the clock. sleep_for() would not end while signals come faster than the kernel's timer slack (50 us): each
// interrupts the sleep, and the time that nanosleep(2) reports as left includes the slack.
static void be_held_up(std::chrono::nanoseconds time) {
    for (const auto end = rouse::Clock::now() + time; rouse::Clock::now() < end;) std::this_thread::yield();
}
// Now and then it is held up in the middle, as the system does to any thread at any time; only less often.
static Readings read_torn() {
    static int reads = 0;
    const int pressure = torn[0].load(std::memory_order_relaxed);
    if (++reads % 1000 == 0) be_held_up(1ms);
    return {pressure, torn[1].load(std::memory_order_relaxed), torn[2].load(std::memory_order_relaxed)};
}

// The right way from any context. A full queue refuses; the next reading is as good.
static rouse::ThreadSafeQueue<Readings, 16> sent;

static std::atomic<int> number{0};
static void on_interrupt(int) {
    const int n = number.fetch_add(1, std::memory_order_relaxed);
    write_torn(n);
    if (!sent.put_sync(Readings{n, n, n})) return;
}

struct Count {
    long read = 0, wrong = 0;
    void add(const Readings& readings) {
        ++read;
        wrong += !readings.agree();
    }
    void print(const char* what) const { fmt::print("{:46} {:10} read, {:7} of them torn\n", what, read, wrong); }
    // For a way that is wrong even if nothing has shown it.
    void print_wrong(const char* what) const {
        if (wrong > 0) return print(what);
        fmt::print("{:46} {:10} read, none of them torn this time: do not rely on it\n", what, read);
    }
};

// Reads without a pause for half a second; the loop's other tasks run in between. Where readings may be torn, it
// continues until one is, which may take longer on a busy machine.
template <class Read>
static rouse::Task<Count> read_without_pause(Read read, bool until_torn = false) {
    Count count;
    const auto begin = rouse::Clock::now();
    const auto enough = [&] { return rouse::Clock::now() - begin > 500ms && (!until_torn || count.wrong > 0); };
    while (!enough() && rouse::Clock::now() - begin < 30s) {
        for (int i = 0; i < 1000; ++i) count.add(read());
        co_await rouse::yield();
    }
    co_return count;
}

static rouse::Task<int> run_example() {
    auto timer = std::make_optional<example::InterruptTimer>(on_interrupt, 20'000);
    const auto from_interrupt = co_await read_without_pause(read_torn, true);
    from_interrupt.print_wrong("interrupt, three variables (wrong):");
    Count from_queue;
    for (const auto end = rouse::Clock::now() + 500ms; rouse::Clock::now() < end;) from_queue.add(co_await sent.get());
    timer.reset();
    from_queue.print("interrupt, ThreadSafeQueue (right):");

    Readings shared{};
    std::mutex lock;
    const auto write = [&](std::stop_token stop) {
        for (int n = 0; !stop.stop_requested(); ++n) {
            write_torn(n);
            const std::scoped_lock hold{lock};
            shared = {n, n, n};
        }
    };
    const auto read_locked = [&] {
        const std::scoped_lock hold{lock};
        return shared;
    };
    std::jthread writer{write};
    const auto from_thread = co_await read_without_pause(read_torn, true);
    from_thread.print_wrong("thread, three variables (wrong):");
    const auto from_lock = co_await read_without_pause(read_locked);
    from_lock.print("thread, one value under a lock (right):");
    co_return from_queue.wrong + from_lock.wrong == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
    if (const auto status = example::wrong_arguments(argc, argv, 0, "data_sharing")) return *status;
    return example::run_main("data_sharing", run_example);
}
