// P4: what a sleep costs, and how late it ends; and what it costs to set a timer and to cancel it, which is what
// becomes of most timeouts. See comparison.hpp.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <rouse/rouse.hpp>

#include "comparison.hpp"
#include "floor_timers.hpp"
#include "sleepers.hpp"
#if HAVE_UV
#include "peer_uv_timers.hpp"
#endif
#if HAVE_ASIO
#include "peer_asio_timers.hpp"
#endif

namespace {

using bench::wakes;

// ---- 1e5 tasks that sleep ----------------------------------------------------------------------------------------

floor_of::SleepingTask floor_sleeper(floor_of::TimerLoop& loop, long i, std::int64_t tick) {
    const std::int64_t ns = bench::sleep_of(i);
    const std::int64_t due = bench::Wakes::due(i, ns);
    co_await loop.sleep(ns, tick);
    wakes.woken(due);
}

void floor_sleepers(std::int64_t tick) {
    static floor_of::TimerLoop loop;
    for (long i = 0; i < bench::sleepers; ++i) {
        floor_sleeper(loop, i, tick);
        if (i % bench::batch == 0) loop.turn();
    }
    loop.run();
}

rouse::Task<> rouse_sleeper(rouse::Event& all_have_woken, long i) {
    const std::int64_t ns = bench::sleep_of(i);
    const std::int64_t due = bench::Wakes::due(i, ns);
    co_await rouse::sleep(std::chrono::nanoseconds{ns});
    if (wakes.woken(due)) all_have_woken.set();
}

rouse::Task<> rouse_sleepers() {
    rouse::Event all_have_woken;
    for (long i = 0; i < bench::sleepers; ++i) {
        rouse::create_task(rouse_sleeper(all_have_woken, i));
        if (i % bench::batch == 0) co_await rouse::yield();
    }
    co_await all_have_woken.wait();
}

void sleeping(const bench::Options& options, rouse::Loop& loop) {
    std::vector<std::string> names;
    std::vector<std::unique_ptr<std::vector<double>>> worst;
    bench::Comparison comparison{"P4", "1e5 tasks that sleep 0 to 100 ms: CPU each", "ns", 1.2, "us late"};
    const auto side = [&](const char* name, std::function<void()> work) {
        names.emplace_back(name);
        worst.push_back(std::make_unique<std::vector<double>>());
        comparison.side(name, [w = worst.back().get(), work] { return wakes.measure(*w, work); });
    };
    side("floor", [] { floor_sleepers(1); });
    side("floor, in ticks of 1 ms", [] { floor_sleepers(1'000'000); });
    side("rouse", [&loop] { loop.run_until_complete(rouse_sleepers()); });
#if HAVE_UV
    peer_uv::Sleepers uv;
    side("libuv, in ticks of 1 ms", [&uv] { uv.run(); });
#endif
#if HAVE_ASIO
    asio::io_context context{1};
    side("asio", [&context] { peer_asio::run_sleepers(context); });
#endif
    comparison.run(options);
    for (std::size_t i = 0; i < names.size() && !worst[i]->empty(); ++i) {
        fmt::print("    {:28} 99th percentile: {:.0f} us late\n", names[i], bench::median(*worst[i]));
    }
}

// ---- timers that are set and cancelled ---------------------------------------------------------------------------

class FloorTimers {
public:
    explicit FloorTimers(std::size_t count) : sleepers_(count) {}
    void add(std::size_t i, std::int64_t in_ns) { heap_.add(sleepers_[i], in_ns); }
    void remove(std::size_t i) { heap_.remove(sleepers_[i]); }

private:
    floor_of::TimerHeap heap_;
    std::vector<floor_of::Sleeper> sleepers_;
};

class RouseTimers {
public:
    explicit RouseTimers(std::size_t count) : timers_(count) {}
    void add(std::size_t i, std::int64_t in_ns) {
        timers_[i].deadline = rouse::TimePoint{std::chrono::nanoseconds{in_ns}};
        heap_.add(timers_[i]);
    }
    void remove(std::size_t i) { heap_.remove(timers_[i]); }

private:
    rouse::detail::Timers heap_;
    std::vector<rouse::detail::Timer> timers_;
};

constexpr long changes = 200'000;

std::int64_t far_away(std::size_t i) { return 1'000'000'000'000 + bench::sleep_of(static_cast<long>(i)); }

/// `live` timers, and one more that is set and cancelled; or each of them now and then, as the timeouts of connections.
template <class Timers>
class Churn {
public:
    explicit Churn(std::size_t live) : live_{live}, timers_{live + 1} {
        for (std::size_t i = 0; i < live; ++i) timers_.add(i, far_away(i));
    }
    bench::Sample one_more() {
        return bench::ns_each(changes, [this] {
            for (std::size_t i = 0; i < changes; ++i) {
                timers_.add(live_, far_away(i));
                timers_.remove(live_);
            }
        });
    }
    bench::Sample any_of_them() {
        return bench::ns_each(changes, [this] {
            for (std::size_t i = 0; i < changes; ++i) {
                const std::size_t one = bench::scattered(i) % live_;
                timers_.remove(one);
                timers_.add(one, far_away(i));
            }
        });
    }

private:
    std::size_t live_;
    Timers timers_;
};

rouse::Task<> set_each_time(rouse::Event& event, const bool& stopped) {
    while (!stopped) {
        event.set();
        co_await rouse::yield();
    }
}

/// A wait with a timeout that ends in time, with `live` other timeouts: a task for the wait, a switch there and back.
rouse::Task<> wait_in_time(rouse::Loop& loop, std::size_t live, double& ns) {
    std::vector<rouse::detail::Timer> others(live);
    for (std::size_t i = 0; i < live; ++i) {
        others[i].deadline = rouse::Clock::now() + std::chrono::nanoseconds{far_away(i)};
        rouse::detail::scheduler_of(loop).add_timer(others[i]);
    }
    rouse::Event event;
    bool stopped = false;
    auto other = rouse::create_task(set_each_time(event, stopped));
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < changes; ++i) {
        event.clear();
        const auto outcome = co_await rouse::try_wait_for(event.wait(), std::chrono::nanoseconds{far_away(i)});
        if (outcome.timed_out()) std::abort();
    }
    ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / changes;
    stopped = true;
    co_await other;
    for (rouse::detail::Timer& timer : others) rouse::detail::scheduler_of(loop).remove_timer(timer);
}

void churn(const bench::Options& options, rouse::Loop& loop, std::size_t live) {
    const std::string among = fmt::format(", of {} live", live);
    bench::Comparison newest{"P4", "set a timer and cancel it" + among, "ns", 1.2};
    bench::Comparison any{"P4", "cancel a timer and set it anew" + among, "ns", 1.2};
    Churn<FloorTimers> floor{live};
    Churn<RouseTimers> ours{live};
    newest.side("floor", [&] { return floor.one_more(); }).side("rouse", [&] { return ours.one_more(); });
    any.side("floor", [&] { return floor.any_of_them(); }).side("rouse", [&] { return ours.any_of_them(); });
    newest.side("rouse, try_wait_for in time", [&loop, live] {
        double ns = 0;
        loop.run_until_complete(wait_in_time(loop, live, ns));
        return bench::Sample{ns};
    });
#if HAVE_UV
    Churn<peer_uv::Timers> uv{live};
    newest.side("libuv", [&] { return uv.one_more(); });
    any.side("libuv", [&] { return uv.any_of_them(); });
#endif
#if HAVE_ASIO
    Churn<peer_asio::Timers> other{live};
    newest.side("asio", [&] { return other.one_more(); });
    any.side("asio", [&] { return other.any_of_them(); });
#endif
    newest.run(options);
    any.run(options);
}

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    rouse::DefaultPort port;
    rouse::Loop loop{port};
    sleeping(options, loop);
    churn(options, loop, 1'000);
    churn(options, loop, 100'000);
}
