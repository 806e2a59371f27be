// The ends of what is long, deep or awaited by many, for valgrind to count the instructions of each element: see
// instructions.sh. The count grows with the number of elements if the time is not linear. A program of its own, because
// more code in instructions.cpp would change what the compiler inlines there.
//
//   ends WORK ELEMENTS
#include <cstdlib>

#include <rouse/ports/virtual_time.hpp>
#include <rouse/rouse.hpp>

#include "chosen.hpp"

namespace {

using namespace rouse;

volatile long sink = 0;
Event never;

Task<> waits_for(Event& event) { co_await event.wait(); }
Task<> awaits(TaskHandle<> task) { co_await task; }

// Tasks that each await the one before.
Task<> chain(long elements) {
    TaskHandle<> last = create_task(waits_for(never));
    for (long i = 0; i < elements; ++i) {
        last = create_task(awaits(last));
        co_await yield();
    }
}

// Tasks that wait for the same task or for an event, which is set.
Task<> selects(TaskHandle<> task, Event& event) {
    const auto first = co_await select(task, event.wait());
    sink = sink + static_cast<long>(first.index());
}
Task<> leave(long elements) {
    Event event;
    const auto awaited = create_task(waits_for(never));
    for (long i = 0; i < elements; ++i) create_task(selects(awaited, event));
    co_await yield();
    event.set();
    co_await yield();
}

// Children, one inside the other.
Task<> nested(long depth) {
    co_await yield();
    if (depth == 0) {
        co_await never.wait();
    } else {
        co_await nested(depth - 1);
    }
}
Task<> depth(long elements) {
    create_task(nested(elements));
    for (long i = 0; i <= elements + 1; ++i) co_await yield();
}

struct Work {
    const char* name;
    Task<> (*run)(long elements);
    bool by_destructor; // what is left ends with the loop; else run() cancels it
};
constexpr Work all[] = {
    {"a task in a chain of tasks that await each other, cancelled by run()", chain, false},
    {"a task in a chain of tasks that await each other, destroyed with the loop", chain, true},
    {"a task that leaves another, which many await", leave, false},
    {"a nested child, destroyed with the loop", depth, true},
};

} // namespace

int main(int argc, char** argv) {
    const Work& work = bench::chosen(all, "ends [WORK ELEMENTS]", argc, argv);
    VirtualTimePort port;
    Loop loop{port};
    if (work.by_destructor) {
        loop.run_until_complete(work.run(std::atol(argv[2])));
    } else {
        loop.run(work.run(std::atol(argv[2])));
    }
    return 0;
}
