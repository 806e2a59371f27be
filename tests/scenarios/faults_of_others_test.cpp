// Faults that other libraries have had, as scenarios that must not happen here, by their numbers in the project's list:
// those of cancellation, flags, time and loops that need neither threads nor the real clock. docs/design.md, section
// 15, says why each cannot happen; the rest are in faults_of_others_hosted_test.cpp.
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("scenario 22: a cancelled waiter that was notified already swallows neither the permit nor the item") {
    Log log;
    Lock lock;
    ThreadSafeFlag flag;
    ThreadSafeQueue<int, 2> queue;
    auto locks = [&](std::string name) -> Task<> {
        co_await lock.acquire();
        log(name);
        lock.release();
    };
    auto gets = [&]() -> Task<> {
        const int item = co_await queue.get();
        log(item);
    };
    auto waits = [&]() -> Task<> {
        co_await flag.wait();
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        co_await lock.acquire();
        auto locker = create_task(locks("wrong"));
        auto next = create_task(locks("next"));
        auto getter = create_task(gets());
        auto waiter = create_task(waits());
        co_await sleep(1s);
        lock.release();
        CHECK(queue.put_sync(5));
        flag.set();
        CHECK(locker.cancel());
        CHECK(getter.cancel());
        CHECK(waiter.cancel());
        co_await next;
        co_await getter.outcome();
        co_await waiter.outcome();
        CHECK(!lock.locked());
        CHECK(queue.get_sync() == 5);
        CHECK(flag.is_set());
    };
    run_virtual(main());
    CHECK(log == "next");
}

TEST_CASE("scenario 23: a cancellation just as the awaited task ends is not lost") {
    Log log;
    Event go;
    TaskHandle<> awaiter;
    auto awaited = [&]() -> Task<> { co_await go.wait(); };
    auto awaits = [&](TaskHandle<> handle) -> Task<> {
        co_await handle;
        log("wrong");
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        // Cancelled in each step around the end of the awaited task: 0 is before it, 1 is between it and the awaiter.
        for (int step = 0; step < 2; ++step) {
            go.clear();
            auto handle = create_task(awaited());
            awaiter = create_task(awaits(handle));
            co_await sleep(1s);
            go.set();
            for (int i = 0; i < step; ++i) co_await yield(); // behind the awaited task, ahead of the awaiter
            CHECK(handle.done() == (step == 1));
            CHECK(awaiter.cancel());
            co_await awaiter.outcome();
            CHECK(awaiter.cancelled());
        }
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("scenario 24: a cancellation before the timer is armed is not ignored") {
    Log log;
    TaskHandle<> outer;
    // Runs when it is cancelled, and sets its timer afterwards.
    auto inner = [&]() -> Task<> {
        co_await yield();
        CHECK(outer.cancel());
        co_await sleep(1h);
        log("wrong");
    };
    auto limited = [&]() -> Task<> {
        co_await yield();
        (void)co_await try_wait_for(sleep(2h), 1h);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        const auto start = Clock::now();
        auto handle = create_task(inner());
        outer = create_task([](TaskHandle<> awaited) -> Task<> { co_await awaited; }(handle));
        co_await outer.outcome();
        CHECK(handle.cancelled());

        auto before_its_timer = create_task(limited()); // ready, with the wait still ahead of it
        co_await yield();
        CHECK(before_its_timer.cancel());
        co_await before_its_timer.outcome();
        CHECK(before_its_timer.cancelled());
        CHECK(Clock::now() == start);
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("scenario 25: a wait with a time limit does not hide the cancellation of who waits") {
    Log log;
    Event event;
    TaskHandle<> inner;
    auto awaited = [&]() -> Task<> { co_await event.wait(); };
    auto waits_for_task = [&]() -> Task<> {
        inner = create_task(awaited());
        (void)co_await try_wait_for(inner, 5s);
        log("wrong");
    };
    auto waits_for_object = [&]() -> Task<> {
        (void)co_await try_wait_for(event.wait(), 5s);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        // As the inner task ends.
        auto task = create_task(waits_for_task());
        co_await sleep(1s);
        event.set();
        co_await yield();
        CHECK(inner.done());
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
        // As the time is up: this sleep is due at the same instant, and was set before.
        event.clear();
        for (int i = 0; i < 2; ++i) {
            auto late = i == 0 ? create_task(waits_for_task()) : create_task(waits_for_object());
            auto sleeping = sleep(5s);
            co_await sleeping;
            CHECK(late.cancel());
            co_await late.outcome();
            CHECK(late.cancelled());
        }
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("scenario 26: a cancelled timer does not disable later ones") {
    for (int cancelled = 0; cancelled < 5; ++cancelled) {
        Log log;
        auto sleeps = [&](int n) -> Task<> {
            co_await sleep((n + 1) * 1s);
            log(n);
        };
        auto main = [&]() -> Task<> {
            std::vector<TaskHandle<>> sleepers;
            for (int i = 0; i < 5; ++i) sleepers.push_back(create_task(sleeps(i)));
            co_await yield();
            sleepers[static_cast<std::size_t>(cancelled)].cancel();
            co_await sleep(10s);
            CHECK(detail::Scheduler::current().timers().empty());
        };
        run_virtual(main());
        std::string expected = "0 1 2 3 4 ";
        expected.erase(static_cast<std::size_t>(cancelled) * 2, 2);
        CHECK(log == expected.substr(0, expected.size() - 1));
    }
}

TEST_CASE("scenario 27: gather accepts a task that has a waiter already") {
    Log log;
    auto waits = [&](TaskHandle<int> handle) -> Task<> {
        const int value = co_await handle;
        log(value);
    };
    auto main = [&]() -> Task<> {
        auto task = create_task(returns_after(1, 2s));
        create_task(waits(task));
        co_await sleep(1s);
        auto [a, b] = co_await gather(task, returns_after(2, 3s));
        CHECK(a == 1);
        CHECK(b == 2);
    };
    run_virtual(main());
    CHECK(log == "1");
}

namespace {

// Virtual time; who would sleep for ever is counted, and rescued by `flag`.
class LonelyPort final : public Port {
public:
    explicit LonelyPort(ThreadSafeFlag& flag) : flag_{flag} {}
    ~LonelyPort() = default;
    TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(TimePoint deadline) noexcept override {
        if (deadline == no_deadline && ++sleeps_without_end == 1) flag_.set();
        return port_.wait_until(deadline);
    }
    void wake() noexcept override { port_.wake(); }

    int sleeps_without_end = 0;

private:
    VirtualTimePort port_;
    ThreadSafeFlag& flag_;
};

} // namespace

TEST_CASE("scenario 28: a loop with only an Event waiter left does not return silently, it sleeps") {
    Event event;
    auto waits = [&]() -> Task<> { co_await event.wait(); };
    SECTION("a host sees that a task is left, with no deadline") {
        VirtualTimePort port;
        Loop loop{port};
        auto waiter = loop.create_task(waits(), "waiter");
        CHECK(!loop.poll());
        CHECK(loop.next_deadline() == no_deadline);
        CHECK(loop.live_tasks() == 1);
        CHECK(!waiter.done());
        CHECK(waiter.name() == "waiter");
    }
    SECTION("run does not return before the task has ended") {
        ThreadSafeFlag flag;
        LonelyPort port{flag};
        Loop loop{port};
        auto rescues = [&]() -> Task<> {
            co_await flag.wait();
            event.set();
        };
        loop.create_task(rescues());
        loop.run_until_complete(waits());
        CHECK(port.sleeps_without_end == 1);
    }
}

TEST_CASE("scenario 30: a sleep beyond half the period of any tick counter does not return at once") {
    auto main = []() -> Task<> {
        for (const auto time : {
                 Clock::duration{std::chrono::milliseconds{(1LL << 29) + 1}}, // MicroPython's, on 32 bits
                 Clock::duration{std::chrono::microseconds{(1LL << 31) + 1}}, // 32 bits of microseconds
                 Clock::duration{std::chrono::milliseconds{(1LL << 31) + 1}}, // 32 bits of milliseconds
                 Clock::duration{std::chrono::milliseconds{(1LL << 32) + 1}}, // and more than they hold
                 Clock::duration{std::chrono::hours{24 * 365 * 100}},
             }) {
            const auto start = Clock::now();
            auto sleeping = sleep(time);
            co_await sleeping;
            CHECK(Clock::now() - start == time);
        }
    };
    run_virtual(main());
}

TEST_CASE("scenario 31: who is roused for an item that somebody else has taken waits on, and gets the next") {
    Log log;
    ThreadSafeQueue<int, 2> queue;
    auto gets = [&]() -> Task<> {
        const int item = co_await queue.get();
        log(item);
    };
    auto main = [&]() -> Task<> {
        auto getter = create_task(gets());
        co_await sleep(1s);
        CHECK(queue.put_sync(1)); // rouses it
        CHECK(queue.get_sync() == 1);
        co_await sleep(1s);
        CHECK(!getter.done());
        CHECK(queue.put_sync(2));
        co_await getter;
    };
    run_virtual(main());
    CHECK(log == "2");
}
