// Double-buffered DMA through a SlotQueue: a controller writes samples into one block while it already knows the next
// one, and a task reads each block where it is. The interrupt at the end of a block commits it, and gives the
// controller one more. If the task is late, the controller stops, and another task starts it again when a block is
// free.
//
// The emulated boards have no such controller, so the timer's interrupt takes its place.
#include <array>
#include <atomic>

#include "run_task.hpp"

using Block = std::array<std::uint32_t, 16>;

static constinit rouse::SlotQueue<Block, 4> blocks;
static constinit rouse::ThreadSafeFlag stopped;

static void transfer_complete();

// What the hardware does: it writes to the block in its first address register, then moves on to the second. Its
// registers are written while it is stopped, or in its interrupt.
namespace controller {
static std::atomic<Block*> now{nullptr}, next{nullptr};

static void start(Block* first, Block* second) {
    next.store(second, std::memory_order_relaxed);
    now.store(first, std::memory_order_release); // from here on it runs
}
static bool has_stopped() { return now.load(std::memory_order_relaxed) == nullptr; }

static void sample(std::uint32_t value) {
    static std::size_t written = 0;
    Block* const block = now.load(std::memory_order_acquire);
    if (block == nullptr) return;
    (*block)[written++] = value;
    if (written < block->size()) return;
    written = 0;
    now.store(next.load(std::memory_order_relaxed), std::memory_order_relaxed);
    transfer_complete();
}
} // namespace controller

// Its interrupt.
static void transfer_complete() {
    blocks.commit();
    if (controller::has_stopped()) {
        stopped.set();
    } else {
        controller::next.store(blocks.reserve(1), std::memory_order_relaxed); // null if the task is late
    }
}

extern "C" void timer_interrupt() {
    static std::uint32_t number = 0;
    controller::sample(++number);
}

// While the controller is stopped, this task is the producer.
static rouse::Task<> keep_running(std::uint32_t& starts) {
    for (;; ++starts) {
        Block* const first = co_await blocks.next_free();
        if (first == nullptr) co_return; // closed
        controller::start(first, blocks.reserve(1));
        co_await stopped.wait();
    }
}

static rouse::Task<int> main_task() {
    std::uint32_t starts = 0, gaps = 0, mixed = 0, last = 0;
    const auto runner = rouse::create_task(keep_running(starts));
    board::start_timer(board::timer_hertz / 20'000, true);
    for (int read = 1; read <= 200; ++read) {
        const Block* const block = co_await blocks.next_filled();
        if (block->front() != last + 1) ++gaps; // samples were lost while the controller was stopped
        for (std::size_t i = 0; i < block->size(); ++i) mixed += (*block)[i] != block->front() + i ? 1 : 0;
        if (block->front() <= last) ++mixed; // an older one
        last = block->back();
        if (read % 50 == 0) co_await rouse::sleep(std::chrono::milliseconds{5}); // too slow
        blocks.release();
    }
    board::stop_timer();
    board::print("blocks: 200 read, ", mixed, " samples wrong, ", gaps, " gaps, the controller started again ", starts,
                 " times\n");
    co_return mixed == 0 && gaps > 0 && starts >= gaps ? 0 : 1;
}

int main() { return run_task(main_task()); }
