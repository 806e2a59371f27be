// The work of scale.cpp by standalone asio. Its timers are steady_timers, but for a clock that jumps to the next
// deadline as soon as asio asks how long it has to wait; the system calls by which it then waits remain.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "peer_asio_tasks.hpp"
#include "scale_check.hpp"

namespace peer_asio {

inline awaitable<void> yields(long count) {
    for (long i = 0; i < count; ++i) co_await asio::post(use_awaitable);
}
inline awaitable<void> timed_yields(long count, scale::Stopwatch& watch) {
    co_await asio::post(use_awaitable);
    watch.start();
    for (long i = 0; i < count; ++i) co_await asio::post(use_awaitable);
    watch.stop();
}
inline double switches(long n, long laps) {
    asio::io_context context{1};
    scale::Stopwatch watch;
    asio::co_spawn(context, timed_yields(laps, watch), asio::detached);
    for (long i = 1; i < n; ++i) asio::co_spawn(context, yields(laps + 1), asio::detached);
    context.run();
    return watch.ns_each(n * laps);
}

inline awaitable<void> add(long value, long& sum) {
    sum += value;
    co_return;
}
inline awaitable<void> create_all(long n, long batches, long& sum) {
    const auto executor = co_await asio::this_coro::executor;
    for (long batch = 0; batch < batches; ++batch) {
        for (long i = 0; i < n; ++i) asio::co_spawn(executor, add(1, sum), asio::detached);
        co_await asio::post(use_awaitable); // behind them all
        scale::check("asio, tasks created", sum, (batch + 1) * n);
    }
}
inline void create(long n, long batches) {
    asio::io_context context{1};
    long sum = 0;
    asio::co_spawn(context, create_all(n, batches, sum), asio::detached);
    context.run();
}

struct VirtualClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<VirtualClock>;
    static constexpr bool is_steady = true;
    static inline time_point time{};
    static time_point now() { return time; }
};
struct JumpToIt {
    static VirtualClock::duration to_wait_duration(const VirtualClock::duration& left) {
        if (left.count() > 0) VirtualClock::time += left;
        return {};
    }
    static VirtualClock::duration to_wait_duration(const VirtualClock::time_point& until) {
        return to_wait_duration(until - VirtualClock::now());
    }
};
using Timer = asio::basic_waitable_timer<VirtualClock, JumpToIt>;

/// One sleeps beside n timers that are not due for long.
class Beside {
public:
    explicit Beside(long n) {
        scale::Random random;
        for (long i = 0; i < n; ++i) {
            timers_.push_back(std::make_unique<Timer>(
                context_, std::chrono::hours{1000} + std::chrono::milliseconds{random.below(1'000'000)}));
            timers_.back()->async_wait([](asio::error_code) {});
        }
    }
    void sleep(long count) {
        long sum = 0;
        asio::co_spawn(context_, sleeps(count, sum), [this](std::exception_ptr) { context_.stop(); });
        context_.run();
        context_.restart();
        scale::check("asio, sleeps", sum, count);
    }

private:
    static awaitable<void> sleeps(long count, long& sum) {
        Timer timer{co_await asio::this_coro::executor};
        for (; sum < count; ++sum) {
            timer.expires_after(std::chrono::milliseconds{1});
            co_await timer.async_wait(use_awaitable);
        }
    }
    asio::io_context context_{1};
    std::vector<std::unique_ptr<Timer>> timers_;
};

} // namespace peer_asio
