// The scenario without streams, for programs with and without exceptions: tasks in every combination, and beside them a
// thread that rouses the loop.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include <rouse/rouse.hpp>

#include "link.hpp"
#include "report.hpp"

#if ROUSE_EXCEPTIONS
#include <exception>
#endif

using namespace rouse;
using namespace std::chrono_literals;
using faults::Link;

namespace {

Task<int> returns_later(int value) {
    co_await yield();
    co_return value;
}

Task<int> depth(int levels) {
    if (levels == 0) co_return 0;
    const int below = co_await depth(levels - 1);
    co_return below + 1;
}

Task<> add(int& sum, int value) { sum += co_await returns_later(value); }

Task<int> combined(faults::Report& report) {
    const auto [a, b] = co_await gather(returns_later(1), returns_later(20));
    const auto in_time = co_await try_wait_for(returns_later(300), 10s);
    const int c = in_time ? 300 : 0;
    if (!in_time) report.was_wrong("a task of one step was not done in 10 s");
    const auto late = co_await try_wait_for(sleep(10s), 100us);
    if (!late.timed_out()) report.was_wrong("a wait of 10 s was over after 100 us");
    const auto first = co_await select(sleep(10s), returns_later(4000));
    if (first.index() != 1) report.was_wrong("select gave what comes in 10 s");
    const int d = first.index() == 1 ? std::get<1>(first) : 0;
    const int e = co_await depth(5);
    int sum = 0;
    bool all_started = true;
    auto body = [&sum, &all_started](TaskGroup& group) -> Task<> {
        for (int i = 0; i < 3; ++i) all_started = group.create_task(add(sum, 100'000)) && all_started;
        co_return;
    };
    co_await TaskGroup::run(body);
    if (!all_started) report.was_told("an empty handle: there is no memory for a member of the group");
    if (all_started && sum != 300'000) report.was_wrong("the group was left before its members had ended");
    co_return a + b + c + d + e + 10'000;
}

Task<> everything(Link& link, faults::Report& report) {
    co_await link.answer();
    const TaskHandle<> numbers = create_task(link.take_numbers(), "numbers");
    if (!numbers) report.was_told("an empty handle: there is no memory for the task that takes the numbers");
    const int sum = co_await combined(report);
    if (sum != 14'326) report.was_wrong("the tasks returned %d in all", sum);
    if (numbers) co_await numbers;
}

} // namespace

bool faults::without_exceptions() noexcept { return !ROUSE_EXCEPTIONS; }

void faults::attempt(Report& report) {
#if ROUSE_EXCEPTIONS
    try {
#endif
        Link link{report};
        EpollPort port;
        Loop loop{port};
#if ROUSE_EXCEPTIONS
        try {
            loop.run(everything(link, report));
        } catch (const std::exception& error) {
            report.was_aborted(error.what());
        }
#else
    loop.run(everything(link, report));
#endif
        if (loop.live_tasks() != 0) report.was_wrong("%zu tasks are left", loop.live_tasks());
#if ROUSE_EXCEPTIONS
    } catch (const std::exception& error) {
        report.was_aborted(error.what());
    }
#endif
}
