// The clock of a port may start anywhere: everything that waits is tried at the ends of its range and around zero.
#include <rouse/core/port.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <rouse/debug/task_list.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Virtual time from any start.
class StartedPort final : public Port {
public:
    explicit StartedPort(TimePoint start) : now_{start} {}
    ~StartedPort() = default;

    [[nodiscard]] TimePoint now() const noexcept override { return now_; }
    unsigned wait_until(TimePoint deadline) noexcept override {
        if (wakes_ == 0 && deadline > now_) {
            ++sleeps;
            if (deadline == no_deadline) ROUSE_PANIC("the loop sleeps for ever");
            now_ = deadline;
        }
        return std::exchange(wakes_, 0);
    }
    void wake() noexcept override { ++wakes_; }

    int sleeps = 0;

private:
    TimePoint now_;
    unsigned wakes_ = 0;
};

constexpr std::array starts{
    TimePoint::min() + 1ns, TimePoint::min() + 1h, TimePoint{-24h * 365 * 100}, TimePoint{-1s},
    TimePoint{-1ns},        TimePoint{},           TimePoint{24h * 365 * 200},  TimePoint::max() - 10s,
    TimePoint::max() - 3s};

// Runs f(start) as a task, once for each start.
template <class F>
void from_any_start(F f) {
    for (const TimePoint start : starts) {
        INFO("the clock starts at " << start.time_since_epoch().count());
        StartedPort port{start};
        Loop loop{port};
        loop.run(f(start));
    }
}

} // namespace

TEST_CASE("poll() never sleeps, wherever the clock starts") {
    for (const TimePoint start : starts) {
        INFO("the clock starts at " << start.time_since_epoch().count());
        StartedPort port{start};
        Loop loop{port};
        CHECK(!loop.poll());
        CHECK(loop.next_deadline() == no_deadline);
        auto task = loop.create_task([]() -> Task<> { co_await sleep(1s); }());
        CHECK(loop.next_deadline() == at_once);
        while (loop.poll()) {
        }
        CHECK(!task.done());
        CHECK(loop.next_deadline() == start + 1s);
        CHECK(port.sleeps == 0);
        CHECK(port.now() == start);
        port.wait_until(loop.next_deadline());
        while (loop.poll()) {
        }
        CHECK(task.done());
        CHECK(port.sleeps == 1);
    }
}

TEST_CASE("poll() takes in the wakes, wherever the clock starts") {
    for (const TimePoint start : starts) {
        INFO("the clock starts at " << start.time_since_epoch().count());
        StartedPort port{start};
        Loop loop{port};
        ThreadSafeFlag flag;
        auto task = loop.create_task([](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); }(flag));
        while (loop.poll()) {
        }
        flag.set();
        while (loop.poll()) {
        }
        CHECK(task.done());
        CHECK(port.wait_until(at_once) == 0);
    }
}

TEST_CASE("sleeps and yields work from any start of the clock") {
    from_any_start([](TimePoint start) -> Task<> {
        co_await sleep(1s);
        CHECK(Clock::now() == start + 1s);
        co_await sleep_until(start + 2s);
        CHECK(Clock::now() == start + 2s);
        co_await sleep_until(start);
        co_await sleep_until(TimePoint::min() + 1ns);
        co_await sleep_until(TimePoint{} < start ? TimePoint{} : start);
        co_await sleep(-1s);
        co_await sleep(0s);
        co_await yield();
        CHECK(Clock::now() == start + 2s);
        auto never = create_task([]() -> Task<> { co_await sleep(Clock::duration::max()); }());
        co_await sleep(500ms);
        CHECK(Clock::now() == start + 2500ms);
        CHECK(!never.done());
        never.cancel();
        co_await never.outcome();
    });
}

TEST_CASE("many timers fire in order from any start of the clock") {
    from_any_start([](TimePoint start) -> Task<> {
        std::vector<int> order;
        auto sleeper = [&](int n) -> Task<> {
            co_await sleep_until(start + n * 20ms);
            CHECK(Clock::now() == start + n * 20ms);
            order.push_back(n);
        };
        std::vector<TaskHandle<>> sleepers;
        for (int i = 0; i < 100; ++i) sleepers.push_back(create_task(sleeper(1 + i * 37 % 100)));
        for (auto& each : sleepers) co_await each;
        CHECK(order.size() == 100);
        for (int i = 0; i < 100; ++i) CHECK(order[std::size_t(i)] == i + 1);
    });
}

TEST_CASE("waits with a limit end in time from any start of the clock") {
    from_any_start([](TimePoint start) -> Task<> {
        Event event;
        Lock lock;
        ThreadSafeFlag flag;
        ThreadSafeQueue<int, 1> queue;
        auto now = start;
        const auto check = [&](auto wait) -> Task<> {
            const auto outcome = co_await try_wait_for(std::move(wait), 100ms);
            CHECK(outcome.timed_out());
            now += 100ms;
            CHECK(Clock::now() == now);
        };
        co_await check(event.wait());
        co_await check(flag.wait());
        co_await check(queue.next());
        co_await check(returns_after(1, 1s));
        const auto early = co_await try_wait_for(returns_after(1, 50ms), 24h * 365 * 290);
        CHECK(early.has_value());
        CHECK(Clock::now() == now + 50ms);
        const auto nothing = co_await try_wait_for(event.wait(), 0s);
        CHECK(nothing.timed_out());
        event.set();
        const auto there = co_await try_wait_for(event.wait(), -1s);
        CHECK(there.has_value());
        CHECK(Clock::now() == now + 50ms);
    });
}

TEST_CASE("a Delay elapses in time from any start of the clock") {
    from_any_start([](TimePoint start) -> Task<> {
        Delay delay{1s};
        CHECK(!delay.running());
        delay.trigger();
        CHECK(delay.running());
        co_await delay.wait();
        CHECK(Clock::now() == start + 1s);
        CHECK(!delay.running());
        co_await delay.wait();
        delay.trigger(24h * 365 * 1000);
        CHECK(delay.running());
        const auto outcome = co_await try_wait_for(delay.wait(), 1s);
        CHECK(outcome.timed_out());
        delay.trigger(-1s);
        co_await delay.wait();
        CHECK(Clock::now() == start + 2s);
    });
}

TEST_CASE("select, gather and the other objects work from any start of the clock") {
    from_any_start([](TimePoint start) -> Task<> {
        ThreadSafeFlag flag;
        const auto first = co_await select(sleep(300ms), sleep(200ms), flag.wait());
        CHECK(first.index() == 1);
        CHECK(Clock::now() == start + 200ms);
        const auto both = co_await gather(returns_after(1, 100ms), returns_after(2, 200ms));
        CHECK(std::get<1>(both) == 2);
        CHECK(Clock::now() == start + 400ms);
        Message<int> message;
        auto setter = create_task([](Message<int>& m) -> Task<> {
            co_await sleep(100ms);
            CHECK(m.set(7));
        }(message));
        co_await message.wait();
        co_await setter;
        CHECK(Clock::now() == start + 500ms);
    });
}

#if ROUSE_BUSY_POLLING
TEST_CASE("busy polling ends at the next deadline from any start of the clock") {
    for (const TimePoint start : starts) {
        INFO("the clock starts at " << start.time_since_epoch().count());
        StartedPort port{start};
        Loop loop{port};
        loop.set_busy_poll(1us); // the clock of this port stands still meanwhile
        auto main = [&]() -> Task<> {
            co_await sleep(1us);
            co_await sleep_until(TimePoint::min() + 1ns);
            CHECK(Clock::now() == start + 1us);
        };
        loop.run(main());
    }
}
#endif

#if ROUSE_HOSTED
TEST_CASE("the task list tells how long a task still sleeps from any start of the clock") {
    for (const TimePoint start : starts) {
        StartedPort port{start};
        Loop loop{port};
        auto task = loop.create_task([]() -> Task<> { co_await sleep(1s); }(), "sleeper");
        loop.poll();
        char text[200] = "";
        std::FILE* const out = ::fmemopen(text, sizeof text, "w");
        print_tasks(loop, out);
        std::fclose(out);
        CHECK(std::string{text} == "task sleeper sleeps for 1.000 s\n");
    }
}
#endif
