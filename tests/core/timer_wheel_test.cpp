#include <rouse/core/config.hpp>

#if ROUSE_HOSTED
#include <rouse/core/detail/timer_wheel.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using detail::Timer;
using detail::TimerWheel;

namespace {

constexpr TimePoint at(Clock::duration since_start) { return TimePoint{since_start}; }

// A wheel whose heap is full, so that what is added goes into the lists.
struct Full {
    Full() {
        for (Timer& timer : first) {
            timer.deadline = at(1ns);
            wheel.add(timer);
        }
    }
    void take_first() {
        for (std::size_t i = 0; i < first.size(); ++i) REQUIRE(wheel.take_due(at(1ns)) == &first[i]);
        REQUIRE(wheel.take_due(at(1ns)) == nullptr);
    }
    TimerWheel wheel;
    std::vector<Timer> first{64};
};

// Takes all in the way that a loop does: sleeps until the first deadline, then looks what is due.
std::vector<Timer*> live_through(TimerWheel& wheel, int& wakes_too_early) {
    std::vector<Timer*> order;
    TimePoint now{};
    while (!wheel.empty()) {
        const TimePoint until = wheel.first_deadline();
        REQUIRE(until >= now);
        now = until;
        bool some = false;
        while (Timer* timer = wheel.take_due(now)) {
            REQUIRE(timer->deadline == now); // neither early nor late
            order.push_back(timer);
            some = true;
        }
        if (!some) ++wakes_too_early;
    }
    return order;
}

} // namespace

TEST_CASE("timer wheel: few timers are taken at their deadlines, with no other wakes, however far off") {
    TimerWheel wheel;
    std::vector<Timer> timers(5);
    const Clock::duration deadlines[] = {24h, 1ms, 5s, 100ms, 24 * 365h};
    for (std::size_t i = 0; i < 5; ++i) {
        timers[i].deadline = at(deadlines[i]);
        wheel.add(timers[i]);
    }
    int early = 0;
    CHECK(live_through(wheel, early) ==
          std::vector<Timer*>{&timers[1], &timers[3], &timers[2], &timers[0], &timers[4]});
    CHECK(early == 0);
}

TEST_CASE("timer wheel: many timers, from a nanosecond to years off, in order and at their deadlines") {
    std::mt19937_64 random{2};
    for (int round = 0; round < 20; ++round) {
        TimerWheel wheel;
        std::vector<Timer> timers(3000);
        std::vector<Timer*> expected;
        for (Timer& timer : timers) {
            const auto bits = random() % 60;
            timer.deadline = at(Clock::duration{static_cast<std::int64_t>(random() >> 1 >> (62 - bits))});
            wheel.add(timer);
            expected.push_back(&timer);
        }
        std::sort(expected.begin(), expected.end(), [](Timer* a, Timer* b) {
            return a->deadline != b->deadline ? a->deadline < b->deadline : a < b; // in the vector by order of setting
        });
        int early = 0;
        REQUIRE(live_through(wheel, early) == expected);
        // Once for a list above the lowest level, which are few where timers are near.
        CHECK(early < 2000);
    }
}

TEST_CASE("timer wheel: those due at one instant come in the order of setting, from heap and lists") {
    Full full;
    std::vector<Timer> same(100);
    for (Timer& timer : same) {
        timer.deadline = at(5s);
        full.wheel.add(timer);
    }
    full.take_first();
    Timer last; // the heap has room again
    last.deadline = at(5s);
    full.wheel.add(last);
    CHECK(full.wheel.take_due(at(5s - 1ns)) == nullptr);
    for (Timer& timer : same) REQUIRE(full.wheel.take_due(at(5s)) == &timer);
    CHECK(full.wheel.take_due(at(5s)) == &last);
    CHECK(full.wheel.empty());
}

TEST_CASE("timer wheel: a timer of the lowest level has its exact deadline, one above at most an earlier one") {
    Full full;
    Timer near, far;
    near.deadline = at(100ms);
    far.deadline = at(10min);
    full.wheel.add(near);
    full.wheel.add(far);
    full.take_first();
    CHECK(full.wheel.first_deadline() == at(100ms));
    full.wheel.remove(near);
    CHECK(full.wheel.first_deadline() <= at(10min));
    CHECK(full.wheel.first_deadline() > at(5min));
    int early = 0;
    CHECK(live_through(full.wheel, early) == std::vector<Timer*>{&far});
    CHECK(early <= 2);
}

TEST_CASE("timer wheel: a lone timer for tomorrow does not bring near what is set after it") {
    Full full;
    Timer tomorrow, soon;
    tomorrow.deadline = at(24h);
    full.wheel.add(tomorrow);
    full.take_first();
    CHECK(full.wheel.first_deadline() <= at(24h)); // a loop asks, and sleeps
    soon.deadline = at(1s);
    full.wheel.add(soon);
    CHECK(full.wheel.first_deadline() == at(1s));
    CHECK(full.wheel.take_due(at(1s)) == &soon);
    full.wheel.remove(tomorrow);
    CHECK(full.wheel.empty());
}

TEST_CASE("timer wheel: deadlines at both ends of time") {
    Full full;
    Timer never, past;
    never.deadline = no_deadline;
    past.deadline = at_once;
    full.wheel.add(never);
    full.wheel.add(past);
    CHECK(full.wheel.take_due(TimePoint{}) == &past);
    full.take_first();
    CHECK(full.wheel.first_deadline() > at(24 * 365h));
    CHECK(full.wheel.take_due(no_deadline) == &never);
}

TEST_CASE("timer wheel: agrees with a sorted list through random adding, removing and the passing of time") {
    std::mt19937_64 random{3};
    for (int round = 0; round < 60; ++round) {
        TimerWheel wheel;
        std::vector<std::unique_ptr<Timer>> storage;
        std::vector<Timer*> model; // sorted by deadline, then by the order of setting
        TimePoint now{};
        const int scale = static_cast<int>(random() % 40);
        for (int step = 0; step < 3000; ++step) {
            const auto choice = random() % 100;
            if (choice < 55) {
                auto timer = std::make_unique<Timer>();
                timer->deadline = now + Clock::duration{static_cast<std::int64_t>(random() % 1000) << scale};
                wheel.add(*timer);
                model.insert(std::upper_bound(model.begin(), model.end(), timer.get(),
                                              [](Timer* x, Timer* y) { return x->deadline < y->deadline; }),
                             timer.get());
                storage.push_back(std::move(timer));
            } else if (choice < 75 && !model.empty()) {
                const auto victim = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
                wheel.remove(**victim);
                wheel.remove(**victim);
                model.erase(victim);
            } else if (choice < 98) {
                now += Clock::duration{static_cast<std::int64_t>(random() % 100) << scale};
                while (Timer* timer = wheel.take_due(now)) {
                    REQUIRE(!model.empty());
                    REQUIRE(timer == model.front());
                    model.erase(model.begin());
                }
                REQUIRE((model.empty() || model.front()->deadline > now));
            } else if (!model.empty()) {
                REQUIRE(wheel.first_deadline() <= model.front()->deadline);
            }
            REQUIRE(wheel.empty() == model.empty());
        }
    }
}
#endif
