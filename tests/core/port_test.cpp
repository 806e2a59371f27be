// What a Port has to do, and what it may leave: a loop on one that somebody wrote in three functions.
#include <rouse/core/port.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;

namespace {

class MinimalPort : public Port {
public:
    MinimalPort() = default;
    ~MinimalPort() = default;

    TimePoint now() const noexcept override { return TimePoint{std::chrono::steady_clock::now() - start_}; }

    unsigned wait_until(TimePoint deadline) noexcept override {
        std::unique_lock lock{mutex_};
        const auto woken = [this] { return wakes_ != 0; };
        if (deadline == no_deadline) {
            woken_.wait(lock, woken);
        } else if (deadline > now()) {
            woken_.wait_for(lock, deadline - now(), woken);
        }
        counted += wakes_;
        return std::exchange(wakes_, 0);
    }

    // Locks, which a port for signal handlers or interrupts must not.
    void wake() noexcept override {
        const std::scoped_lock lock{mutex_};
        ++wakes_;
        ++called;
        woken_.notify_one();
    }

    unsigned called = 0;
    unsigned counted = 0;

private:
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::condition_variable woken_;
    unsigned wakes_ = 0;
};

// Returns early for no reason, as a port may, and its wakes are late.
class LatePort final : public Port {
public:
    LatePort() = default;
    ~LatePort() = default;

    TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(TimePoint deadline) noexcept override {
        const unsigned wakes = port_.wait_until(std::min(deadline, now() + 1ms));
        if (wakes == 0) looked_in_vain.store(true);
        return wakes;
    }
    void wake() noexcept override {
        waking.store(true);
        while (!let_wakes_through.load()) std::this_thread::yield();
        port_.wake();
    }
    unsigned counted() const { return port_.counted; }

    std::atomic<bool> waking{false};
    std::atomic<bool> looked_in_vain{false};
    std::atomic<bool> let_wakes_through{false};

private:
    MinimalPort port_;
};

} // namespace

TEST_CASE("a port of three functions runs a program that sleeps") {
    MinimalPort port;
    Loop loop{port};
    auto main = []() -> Task<int> {
        const auto start = Clock::now();
        co_await sleep(5ms);
        CHECK(Clock::now() - start >= 5ms);
        co_return 1;
    };
    CHECK(loop.run(main()) == 1);
    CHECK(port.called == 0);
}

TEST_CASE("a port of three functions is woken by another thread") {
    MinimalPort port;
    ThreadSafeFlag flag;
    std::thread setter;
    {
        Loop loop{port};
        auto main = [&]() -> Task<> {
            setter = std::thread{[&] {
                std::this_thread::sleep_for(2ms);
                flag.set();
            }};
            co_await flag.wait();
        };
        loop.run(main());
    }
    setter.join();
    CHECK(port.called <= 1); // none, if the loop was not asleep yet
    CHECK(port.counted == port.called);
}

TEST_CASE("a loop does not end before the wake that it is owed has been counted") {
    LatePort port;
    ThreadSafeFlag flag;
    std::thread setter, releaser;
    {
        Loop loop{port};
        auto main = [&]() -> Task<> {
            setter = std::thread{[&] { // once the loop sleeps, so that a wake is owed
                while (!port.looked_in_vain.load()) std::this_thread::yield();
                while (!port.waking.load()) {
                    flag.set();
                    std::this_thread::yield();
                }
            }};
            while (!port.waking.load()) co_await flag.wait();
        };
        loop.run(main());
        CHECK(port.counted() == 0); // it has seen what was sent, and is still owed the wake
        releaser = std::thread{[&] { port.let_wakes_through.store(true); }};
    }
    CHECK(port.counted() == 1);
    setter.join();
    releaser.join();
}

TEST_CASE("a port need not have a descriptor") {
    MinimalPort port;
    Loop loop{port};
    CHECK(loop.native_handle() == -1);
}

TEST_CASE("foreign sets between two polls of a host's own loop call wake once") {
    MinimalPort port;
    ThreadSafeFlag first, second;
    Loop loop{port};
    const auto wait_for_it = [](ThreadSafeFlag& flag) -> Task<> { co_await flag.wait(); };
    const auto a = loop.create_task(wait_for_it(first));
    const auto b = loop.create_task(wait_for_it(second));
    CHECK(!loop.poll());
    std::thread{[&] {
        first.set();
        second.set();
    }}.join();
    CHECK(port.called == 1);
    loop.poll();
    CHECK(a.done());
    CHECK(b.done());
    CHECK(port.counted == 1);
}
