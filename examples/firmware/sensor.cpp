// Sharing data with an interrupt. Three readings that must agree: torn as three variables, always of one moment in a
// Latest. Then buffers that a "DMA controller" fills: who may touch one is said by who has its pointer, and pointers
// change hands through two queues.
#include <array>

#include "run_task.hpp"

struct Readings {
    std::uint32_t pressure, temperature, humidity; // here: three times the same number
    [[nodiscard]] bool agree() const { return pressure == temperature && temperature == humidity; }
};

// The wrong way: three variables, each of them whole.
static volatile std::uint32_t pressure = 0, temperature = 0, humidity = 0;

// The right way.
static constinit rouse::Latest<Readings> latest;

// Each buffer is in one place: with the controller, in a queue, or with the task. Who gets it out of a queue owns it.
using Buffer = std::array<std::uint32_t, 16>;
static constinit rouse::ThreadSafeQueue<Buffer*, 2> empty_buffers, full_buffers;

static bool with_dma = false;
static std::uint32_t skipped = 0;

static void sample(std::uint32_t n) {
    pressure = n;
    temperature = n;
    humidity = n;
    latest.publish({n, n, n});
}

// "Transfer complete": here the interrupt writes the buffer itself.
static void transfer(std::uint32_t n) {
    if (const auto buffer = empty_buffers.get_sync()) {
        (*buffer)->fill(n);
        if (!full_buffers.put_sync(*buffer)) ++skipped; // cannot be: there is room for all of them
    } else {
        ++skipped; // the task is late; the next transfer is as good
    }
}

extern "C" void timer_interrupt() {
    static std::uint32_t number = 0;
    ++number;
    if (with_dma) {
        transfer(number);
    } else {
        sample(number);
    }
}

static rouse::Task<int> main_task() {
    // About every 15 microseconds, and not in step with the reading.
    board::start_timer(board::timer_hertz / 65'537, true);
    std::uint32_t torn = 0, wrong = 0, newer = 0;
    for (int i = 0; i < 20'000; ++i) {
        if (!Readings{pressure, temperature, humidity}.agree()) ++torn;
        if (latest.fresh()) ++newer;
        if (!latest.value().agree()) ++wrong;
    }
    for (int i = 0; i < 100; ++i) {
        const Readings readings = co_await latest.next();
        if (!readings.agree()) ++wrong;
    }
    board::stop_timer();
    board::print("three variables: torn ", torn, " times; Latest: ", wrong, " times, of ", newer, " newer values\n");

    std::array<Buffer, 2> buffers;
    for (auto& buffer : buffers) {
        if (!empty_buffers.put_sync(&buffer)) co_return 1;
    }
    with_dma = true;
    board::start_timer(board::timer_hertz / 20'000, true);
    std::uint32_t mixed = 0, last = 0;
    for (int i = 0; i < 100; ++i) {
        Buffer* const buffer = co_await full_buffers.get();
        const std::uint32_t first = buffer->front();
        for (const std::uint32_t each : *buffer) mixed += each != first ? 1 : 0;
        if (first <= last) ++mixed; // an older one
        last = first;
        if (!empty_buffers.put_sync(buffer)) co_return 1;
    }
    board::stop_timer();
    board::print("buffers: 100 read, ", mixed, " mixed, ", skipped, " transfers skipped\n");
    co_return torn > 0 && newer > 0 && wrong == 0 && mixed == 0 ? 0 : 1;
}

int main() { return run_task(main_task()); }
