// P9: the bytes of heap of each task that sleeps, out of 1e5: its frame, and whatever the library and the allocator
// keep for it. And the size of every public object, which allocates nothing more unless the last column says so.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <malloc.h>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_timers.hpp"
#if HAVE_UV
#include <uv.h>
#endif
#if HAVE_ASIO
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#endif

namespace {

constexpr int tasks = 100'000;
constexpr int an_hour = 3'600'000; // milliseconds

std::size_t heap_in_use() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// The bytes that start_all() takes for each task. Measured once: it is the same each time.
template <class F>
double bytes_each(F start_all) {
    const std::size_t before = heap_in_use();
    return static_cast<double>(start_all() - before) / tasks;
}

// The frame alone, and 16 bytes in the indexed heap. The process ends with the tasks asleep.
floor_of::SleepingTask floor_sleeper(floor_of::TimerLoop& loop, int ms) {
    co_await loop.sleep(std::int64_t{ms} * 1'000'000);
}
double floor_bytes() {
    return bytes_each([] {
        auto* loop = new floor_of::TimerLoop; // outlives the tasks
        for (int i = 0; i < tasks; ++i) floor_sleeper(*loop, an_hour);
        return heap_in_use();
    });
}

rouse::Task<> rouse_sleeper(int ms) { co_await rouse::sleep(std::chrono::milliseconds{ms}); }

double rouse_bytes() {
    rouse::DefaultPort port;
    rouse::Loop loop{port};
    return bytes_each([&loop] {
        for (int i = 0; i < tasks; ++i) loop.create_task(rouse_sleeper(an_hour));
        while (loop.poll()) {
        }
        if (loop.live_tasks() != tasks) std::abort();
        return heap_in_use();
    });
}

#if HAVE_UV
double uv_bytes() {
    return bytes_each([] {
        std::vector<uv_timer_t> timers(tasks);
        return heap_in_use();
    });
}
#endif

#if HAVE_ASIO
asio::awaitable<void> asio_sleeper(asio::io_context& context, int ms) {
    asio::steady_timer timer{context, std::chrono::milliseconds{ms}};
    co_await timer.async_wait(asio::use_awaitable);
}
double asio_bytes() {
    asio::io_context context{1};
    return bytes_each([&context] {
        for (int i = 0; i < tasks; ++i) asio::co_spawn(context, asio_sleeper(context, an_hour), asio::detached);
        context.poll();
        return heap_in_use();
    });
}
#endif

void print_size(std::string_view name, std::size_t bytes, std::string_view note = "") {
    fmt::print("    {:40} {:5} bytes  {}\n", name, bytes, note);
}

void print_sizes() {
    fmt::print("sizes of the objects\n");
    print_size("Loop", sizeof(rouse::Loop), "and a frame pool on the heap");
    print_size("DefaultPort", sizeof(rouse::DefaultPort));
    print_size("Task<int>", sizeof(rouse::Task<int>), "and the frame");
    print_size("TaskHandle<int>", sizeof(rouse::TaskHandle<int>));
    print_size("Outcome<int>", sizeof(rouse::Outcome<int>));
    print_size("TaskGroup", sizeof(rouse::TaskGroup));
    print_size("Event", sizeof(rouse::Event));
    print_size("Lock", sizeof(rouse::Lock));
    print_size("Semaphore", sizeof(rouse::Semaphore));
    print_size("Condition", sizeof(rouse::Condition));
    print_size("Barrier", sizeof(rouse::Barrier));
    print_size("Delay", sizeof(rouse::Delay));
    print_size("Queue<int>", sizeof(rouse::Queue<int>), "and its items on the heap");
    print_size("Queue<int, 16>", sizeof(rouse::Queue<int, 16>));
    print_size("ThreadSafeFlag", sizeof(rouse::ThreadSafeFlag), "goal: 3 words");
    print_size("ThreadSafeEvent", sizeof(rouse::ThreadSafeEvent));
    print_size("ThreadSafeQueue<int>", sizeof(rouse::ThreadSafeQueue<int>), "and its items on the heap");
    print_size("ThreadSafeQueue<int, 16>", sizeof(rouse::ThreadSafeQueue<int, 16>));
    print_size("Latest<int>", sizeof(rouse::Latest<int>));
    print_size("Broadcast<int, 15>", sizeof(rouse::Broadcast<int, 15>), "of 4 subscribers");
    print_size("RingIO<64>", sizeof(rouse::RingIO<64>));
    print_size("a sleep", sizeof(rouse::detail::SleepAwaiter), "in the frame that waits");
    print_size("what stands before each frame", sizeof(rouse::detail::TaskRecord));
}

static_assert(sizeof(rouse::ThreadSafeFlag) <= 3 * sizeof(void*));

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    bench::Comparison comparison{"P9", "a task that sleeps", "bytes"};
    const auto side = [&](const char* name, double bytes) {
        comparison.side(name, [bytes] { return bench::Sample{bytes}; });
    };
    side("floor", floor_bytes());
    side("rouse", rouse_bytes());
#if HAVE_UV
    side("libuv, without a coroutine", uv_bytes());
#endif
#if HAVE_ASIO
    side("asio", asio_bytes());
#endif
    comparison.run(options);
    fmt::print("    frame of the floor: {} bytes\n", floor_of::SleepingTask::promise_type::bytes);
    if (!options.allocations) print_sizes();
}
