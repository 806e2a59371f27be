// A pool that is used up, and, with -DROOM=..., a frame that can never fit. Prints how many frames there was room for,
// and what ROUSE_PANIC is told.
#include "board.hpp"

[[noreturn]] static void panic(const char* message) {
    board::print("panic: ", message, "\n");
    board::exit(4);
}
#define ROUSE_PANIC(message) panic(message)
#if !defined(ROOM)
#define ROOM 100
#endif

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

using namespace rouse;

static volatile char sink;

static Task<> task() {
    volatile char room[ROOM];
    for (auto& each : room) each = 1;
    co_await yield();
    for (auto& each : room) sink = each;
}

int main() {
    VirtualTimePort port;
    Loop loop{port};
    Task<> tasks[100];
    std::uint32_t count = 0;
    while (count < 100 && (tasks[count] = task())) ++count;
    if (loop.create_task(task())) board::exit(5);
    for (auto& each : tasks) each = {};
    loop.run(task());
    board::print(count, " fitted\n");
    return 0;
}
