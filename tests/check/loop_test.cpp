// run and ModelPort: the loops of a checked program.
#include <rouse/check/check.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;
using namespace std::chrono_literals;

template <class Program>
check::Result explored(Program program, check::Options options = {}) {
    return check::explore(program, options);
}

rouse::Task<int> sleep_for_an_hour() {
    const rouse::TimePoint before = rouse::Clock::now();
    co_await rouse::sleep(1h);
    check::expect(rouse::Clock::now() - before >= 1h, "a sleep is too short");
    co_return 7;
}

TEST_CASE("time passes when the loop sleeps, and run() returns the result") {
    CHECK(explored([] { check::expect(check::run(sleep_for_an_hour) == 7, "the result is another"); }).passed());
}

rouse::Task<> take(rouse::ThreadSafeQueue<int, 1>& queue) {
    for (int wanted = 1; wanted <= 2; ++wanted) {
        const int got = co_await queue.get();
        check::expect(got == wanted, "an item is lost, or out of order");
    }
}

TEST_CASE("a thread that blocks feeds a task through a queue, in every order") {
    check::Options options;
    options.preemptions = 1;
    const check::Result result = explored(
        [] {
            rouse::ThreadSafeQueue<int, 1> queue;
            check::thread("producer", [&] {
                check::expect(queue.put_sync(1, rouse::block), "refused");
                check::expect(queue.put_sync(2, rouse::block), "refused");
            });
            check::run(take, queue);
            check::join();
        },
        options);
    INFO(result.failure << '\n' << result.story);
    CHECK(result.passed());
    CHECK(result.executions > 10);
}

rouse::Task<> wait_for(rouse::ThreadSafeFlag& flag) { co_await flag.wait(); }

TEST_CASE("a loop that has ended is not touched by the thread that wakes it last") {
    const check::Result result = explored([] {
        rouse::ThreadSafeFlag flag;
        check::thread("setter", [&] { flag.set(); });
        check::run(wait_for, flag);
        check::join();
    });
    INFO(result.failure << '\n' << result.story);
    CHECK(result.passed());
}

TEST_CASE("a sleep ends without a reason if that is asked for, and the task goes on waiting") {
    check::Options options;
    options.spurious = 1;
    const auto program = [] {
        const auto port = std::make_unique<check::ModelPort>();
        static_cast<void>(port->wait_until(rouse::TimePoint::max()));
        check::outcome("woken");
    };
    CHECK(explored(program).kind == check::Failure::lost_wake);
    // What ends for no reason is not the way out of a deadlock either.
    CHECK(explored(program, options).kind == check::Failure::lost_wake);
    const check::Result result = explored(
        [] {
            rouse::ThreadSafeFlag flag;
            check::thread("setter", [&] { flag.set(); });
            check::run(wait_for, flag);
            check::join();
        },
        options);
    CHECK(result.passed());
}

} // namespace
