#include <rouse/core/detail/timer_heap.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace rouse;
using detail::Timer;
using detail::TimerHeap;

namespace {

TimePoint at(int n) { return TimePoint{std::chrono::nanoseconds{n}}; }

std::vector<Timer*> drain(TimerHeap& timers) {
    std::vector<Timer*> order;
    while (Timer* timer = timers.take_due(no_deadline)) order.push_back(timer);
    return order;
}

} // namespace

TEST_CASE("timers come out by deadline") {
    TimerHeap timers;
    Timer a, b, c;
    a.deadline = at(30);
    b.deadline = at(10);
    c.deadline = at(20);
    for (Timer* timer : {&a, &b, &c}) timers.add(*timer);
    CHECK(timers.first_deadline() == at(10));
    CHECK(timers.take_due(at(9)) == nullptr);
    CHECK(drain(timers) == std::vector<Timer*>{&b, &c, &a});
}

TEST_CASE("timers due at one instant come out in the order of setting") {
    TimerHeap timers;
    std::vector<Timer> many(1000);
    std::vector<Timer*> expected;
    for (Timer& timer : many) {
        timer.deadline = at(5);
        timers.add(timer);
        expected.push_back(&timer);
    }
    CHECK(drain(timers) == expected);
}

TEST_CASE("removing a timer that is not in the heap does nothing") {
    TimerHeap timers;
    Timer a, b;
    timers.remove(a);
    timers.add(b);
    timers.remove(a);
    timers.remove(b);
    timers.remove(b);
    CHECK(timers.empty());
}

TEST_CASE("timers agree with a sorted list through random adding, removing and taking") {
    std::mt19937 random{1};
    for (int round = 0; round < 200; ++round) {
        TimerHeap timers;
        std::vector<std::unique_ptr<Timer>> storage;
        std::vector<Timer*> model; // sorted by deadline, then by the order of setting
        for (int step = 0; step < 300; ++step) {
            const auto choice = random() % 10;
            if (choice < 6) {
                auto timer = std::make_unique<Timer>();
                timer->deadline = at(static_cast<int>(random() % 50));
                timers.add(*timer);
                model.insert(std::upper_bound(model.begin(), model.end(), timer.get(),
                                              [](Timer* x, Timer* y) { return x->deadline < y->deadline; }),
                             timer.get());
                storage.push_back(std::move(timer));
            } else if (choice < 8 && !model.empty()) {
                const auto victim = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
                timers.remove(**victim);
                model.erase(victim);
            } else if (!model.empty()) {
                REQUIRE(timers.take_due(no_deadline) == model.front());
                model.erase(model.begin());
            }
            REQUIRE(timers.empty() == model.empty());
            if (!model.empty()) REQUIRE(timers.first_deadline() == model.front()->deadline);
        }
        REQUIRE(drain(timers) == model);
    }
}
