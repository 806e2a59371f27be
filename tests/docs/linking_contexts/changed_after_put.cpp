// An interrupt fills a buffer and hands it over. What goes through the queue is a pointer, so who puts it and goes on
// writing changes what the task has not read yet. Right: each buffer has one owner at a time, and comes back when it
// has been read.
#include <rouse/rouse.hpp>

#include <array>
#include <csignal>
#include <cstdio>

using namespace rouse;

using Buffer = std::array<char, 16>;

static constinit ThreadSafeQueue<Buffer*, 4> filled;
static constinit ThreadSafeQueue<Buffer*, 4> empty; // right: those that may be written
static std::array<Buffer, 4> buffers;
static bool own_them = false;
static int number = 0;

void on_interrupt(int) {
    Buffer* buffer = &buffers[0]; // wrong: the same one again
    if (own_them) {
        const auto next = empty.get_sync();
        if (!next) return; // all of them are with the task: this one is dropped
        buffer = *next;
    }
    buffer->fill(static_cast<char>('a' + number++));
    if (!filled.put_sync(buffer)) std::abort(); // cannot be: there is room for all
}

Task<> read_three(const char* how) {
    number = 0;
    for (int burst = 0; burst < 3; ++burst) std::raise(SIGALRM); // faster than the task
    std::printf("%s:", how);
    for (int i = 0; i < 3; ++i) {
        Buffer* const buffer = co_await filled.get();
        std::printf(" %c", buffer->front());
        if (own_them && !empty.put_sync(buffer)) std::abort();
    }
    std::printf("\n");
}

Task<> compare() {
    co_await read_three("one buffer");
    for (Buffer& each : buffers) (void)empty.put_sync(&each);
    own_them = true;
    co_await read_three("buffers that change hands");
}

int main() {
    struct sigaction action{};
    action.sa_handler = on_interrupt;
    sigaction(SIGALRM, &action, nullptr);
    run(compare());
}
