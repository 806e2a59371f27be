#include <rouse/core/detail/scheduler.hpp>

#if ROUSE_HOSTED

#include <atomic>
#include <chrono>
#include <limits>

#include <thread>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Counts what a loop asks of its port, on a clock that advances by a microsecond each time it is read.
class CountingPort final : public Port {
public:
    TimePoint now() const noexcept override { return now_ += 1us; }
    unsigned wait_until(TimePoint deadline) noexcept override {
        if (deadline == at_once) {
            ++looks;
            if (on_look != nullptr && looks == 5) on_look->set();
            return 0;
        }
        ++sleeps;
        if (deadline != no_deadline && now_ < deadline) now_ = deadline;
        while (deadline == no_deadline && wakes.load() == 0) {
        }
        return wakes.exchange(0);
    }
    void wake() noexcept override { wakes.fetch_add(1); }

    int looks = 0;
    int sleeps = 0;
    std::atomic<unsigned> wakes{0};
    ThreadSafeFlag* on_look = nullptr;

private:
    mutable TimePoint now_{};
};

Task<> wait(ThreadSafeFlag& flag) { co_await flag.wait(); }

} // namespace

TEST_CASE("busy polling: what comes in while the loop looks is found without a sleep and without a wake") {
    CountingPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    port.on_look = &flag;
    loop.set_busy_poll(1ms);
    loop.run(wait(flag));
    CHECK(port.sleeps == 0);
    CHECK(port.wakes == 0);
    CHECK(port.looks == 5);
}

TEST_CASE("without busy polling a loop sleeps at once") {
    CountingPort port;
    Loop loop{port};
    loop.run([]() -> Task<> { co_await sleep(10us); }());
    CHECK(port.looks == 0);
    CHECK(port.sleeps == 1);
}

TEST_CASE("busy polling: a timer that is due meanwhile needs no sleep, a later one does") {
    CountingPort port;
    Loop loop{port};
    loop.set_busy_poll(50us);
    loop.run([]() -> Task<> { co_await sleep(20us); }());
    CHECK(port.sleeps == 0);
    CHECK(port.looks > 0);
    loop.run([]() -> Task<> { co_await sleep(10ms); }());
    CHECK(port.sleeps == 1);
}

TEST_CASE("busy polling is switched off again, and is bounded on a clock that stands still") {
    VirtualTimePort port;
    Loop loop{port};
    loop.set_busy_poll(1ms);
    loop.run([]() -> Task<> { co_await sleep(24h); }());
    CHECK(port.now() == TimePoint{} + 24h);

    CountingPort counting;
    Loop other{counting};
    other.set_busy_poll(Clock::duration::max());
    other.set_busy_poll(Clock::duration::zero());
    other.run([]() -> Task<> { co_await sleep(10us); }());
    CHECK(counting.looks == 0);
}

namespace {
Task<> answer(ThreadSafeFlag& ping, std::atomic<int>& answers, int times) {
    for (int i = 0; i < times; ++i) {
        co_await ping.wait();
        answers.fetch_add(1);
    }
}
} // namespace

TEST_CASE("busy polling: no wake is lost where looking passes into sleeping") {
    constexpr int trips = 3000;
    DefaultPort port;
    Loop loop{port};
    loop.set_busy_poll(20us);
    ThreadSafeFlag ping;
    std::atomic<int> answers{0};
    std::thread thread{[&] {
        for (int i = 0; i < trips; ++i) {
            // From within the time of looking to well behind its end.
            const auto when = std::chrono::steady_clock::now() + (i % 64) * 1us;
            while (std::chrono::steady_clock::now() < when) detail::spin_pause();
            ping.set();
            while (answers.load() <= i) std::this_thread::yield();
        }
    }};
    loop.run(answer(ping, answers, trips));
    thread.join();
    CHECK(answers == trips);
}
TEST_CASE("busy polling: any duration will do") {
    using namespace std::chrono;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const auto looks = [](auto longest) {
        CountingPort port;
        Loop loop{port};
        ThreadSafeFlag flag;
        port.on_look = &flag; // set at the fifth look
        loop.set_busy_poll(longest);
        auto main = [&]() -> Task<> {
            const auto outcome = co_await try_wait_for(flag.wait(), 1ms);
            CHECK(outcome.timed_out() == (port.looks < 5));
        };
        loop.run(main());
        return port.looks;
    };
    CHECK(looks(nanoseconds::min()) == 0);
    CHECK(looks(hours::min()) == 0);
    CHECK(looks(duration<double>{nan}) == 0);
    CHECK(looks(duration<double>{-1e30}) == 0);
    CHECK(looks(nanoseconds::max()) == 5);
    CHECK(looks(hours::max()) == 5);
    CHECK(looks(duration<double, std::pico>{1e30}) == 5);
    CHECK(looks(1ms) == 5);
}

#endif
