// Two loops in two threads. One measures at a steady pace, which nothing on the other disturbs; the other one, the main
// one, changes the pace, prints the newest reading now and then, and checks that it gets every one. A queue carries the
// readings, a Latest the newest, a Message the pace, and a flag the end.
//
//   two_loops [readings]        the default is 1000
#include <chrono>
#include <thread>
#include <tuple>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"

using namespace std::chrono_literals;

struct Reading {
    int number = 0;
    std::chrono::microseconds period{};
};

// All that the two loops share. It is made before the thread, and goes after it.
struct Link {
    rouse::ThreadSafeQueue<Reading, 64> all;
    rouse::Latest<Reading> newest;
    rouse::Message<std::chrono::microseconds> pace;
    rouse::ThreadSafeFlag stop;
};

// However the main loop ends, the other one ends too.
struct Stopper {
    Link& link;
    ~Stopper() { link.stop.set(); }
};

static rouse::Task<> measure(Link& link) {
    struct Closer { // and the other way round
        Link& link;
        ~Closer() { link.all.close(); }
    } closer{link};
    auto due = rouse::Clock::now();
    for (Reading reading;; ++reading.number) {
        reading.period = link.pace.value();
        co_await rouse::sleep_until(due += reading.period);
        link.newest.publish(reading);
        if (!co_await link.all.put(reading)) co_return;
    }
}

static rouse::Task<> measure_until_stopped(Link& link) { co_await rouse::select(measure(link), link.stop.wait()); }

static rouse::Task<> print_newest(Link& link) {
    for (;;) {
        const Reading reading = co_await link.newest.next();
        fmt::print("reading {}, one every {} us\n", reading.number, reading.period.count());
        co_await rouse::sleep(100ms);
    }
}

// Whether they came in order, up to the end.
static rouse::Task<bool> check(Link& link, int count) {
    int expected = 0;
    while (const auto reading = co_await link.all.next()) {
        if (reading->number != expected++) co_return false;
        if (expected == count / 2 && !link.pace.set(200us)) co_return false; // from here on faster
        if (expected == count) link.stop.set();
    }
    fmt::print("{} readings, none lost\n", expected);
    co_return true;
}

static rouse::Task<int> run_example(Link& link, int count) {
    rouse::create_task(print_newest(link));
    const bool in_order = co_await check(link, count);
    co_return in_order ? 0 : 1;
}

int main(int argc, char** argv) {
    constexpr auto usage = "two_loops [readings]: readings is a whole number from 1";
    if (const auto status = example::wrong_arguments(argc, argv, 1, usage)) return *status;
    const auto count = example::count_argument(argc, argv, 1000);
    if (!count) return example::refuse(usage);
    Link link;
    std::ignore = link.pace.set(500us); // cannot be refused: the only setter so far
    std::jthread other{[&link] { rouse::run(measure_until_stopped(link)); }};
    const Stopper stopper{link};
    return example::run_main("two_loops", [&] { return run_example(link, *count); });
}
