// A task that never has to wait takes a round of the ready queue now and then, whatever it awaits.

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include <rouse/sync/barrier.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// What two tasks share: the one that always finds what it awaits, and the one that has to get its turn.
struct Turns {
    int awaits = 0;  // of the busy task
    int turns = 0;   // of the other
    int at_turn = 0; // how many awaits there were when the other got its first turn
    bool done() const { return turns >= 3 || awaits >= 100'000; }

    Task<> other() {
        while (turns < 3) {
            if (turns++ == 0) at_turn = awaits;
            co_await yield();
        }
    }
};

int one_item = 1; // the awaiter of a put refers to its value

// On firmware the limit is shared by all steps, and a ThreadSafeFlag always takes a round.
constexpr int at_least = ROUSE_HOSTED ? 16 : 1;

/// Checks that the task busy(turns, make_wait), which awaits make_wait() over and over, lets another run.
template <class Busy, class MakeWait, class Prepare>
void check_turns(Busy busy, MakeWait& make_wait, Prepare prepare) {
    Turns turns;
    auto main = [&]() -> Task<> {
        co_await prepare();
        auto one = create_task(busy(turns, make_wait));
        auto two = create_task(turns.other());
        co_await one;
        co_await two;
    };
    run_virtual(main());
    CHECK(turns.turns == 3);
    CHECK(turns.at_turn >= at_least); // an await that is ready continues at once,
    CHECK(turns.at_turn <= 1000);     // but only a bounded number of times
}

constexpr auto nothing_to_prepare = []() -> Task<> { co_return; };

/// Checks that a task that awaits make_wait() over and over lets another run. Each wait has to be ready.
template <class MakeWait, class Prepare>
void check_fair(MakeWait make_wait, Prepare prepare) {
    auto busy = [](Turns& its, MakeWait& make) -> Task<> {
        while (!its.done()) {
            ++its.awaits;
            std::ignore = co_await make();
        }
    };
    check_turns(busy, make_wait, prepare);
}

template <class MakeWait>
void check_fair(MakeWait make_wait) {
    check_fair(make_wait, nothing_to_prepare);
}

// As above, for waits that return void.
template <class MakeWait>
void check_fair_void(MakeWait make_wait) {
    check_fair([&make_wait]() -> Task<int> {
        co_await make_wait();
        co_return 0;
    });
    auto busy = [](Turns& its, MakeWait& make) -> Task<> {
        while (!its.done()) {
            ++its.awaits;
            co_await make();
        }
    };
    check_turns(busy, make_wait, nothing_to_prepare);
}

} // namespace

TEST_CASE("an Event that is set does not starve the loop") {
    Event event;
    event.set();
    check_fair_void([&] { return event.wait(); });
}

TEST_CASE("a free Lock and a free Semaphore do not starve the loop") {
    Lock lock;
    check_fair([&] { return lock.scoped(); });
    check_fair_void([&] {
        if (lock.locked()) lock.release();
        return lock.acquire();
    });
    Semaphore semaphore{2};
    check_fair([&] { return semaphore.scoped(); });
}

TEST_CASE("a Queue that always has an item, or room, does not starve the loop") {
    Queue<int, 4> queue;
    check_fair([&] {
        std::ignore = queue.put_nowait(1);
        return queue.next();
    });
    check_fair([&] {
        std::ignore = queue.put_nowait(1);
        return queue.get();
    });
    check_fair([&] {
        while (queue.get_nowait()) {
        }
        return queue.put(one_item);
    });
    queue.close();
    while (queue.get_nowait()) {
    }
    check_fair([&] { return queue.next(); });
    check_fair([&] { return queue.put(one_item); });
    Queue<int> unlimited;
    check_fair([&] { return unlimited.put(one_item); });
    Queue<int> empty;
    check_fair_void([&] { return empty.join(); });
}

TEST_CASE("a Barrier of one party does not starve the loop") {
    Barrier barrier{1};
    check_fair([&] { return barrier.wait(); });
    check_fair([&] { return barrier.wait_outcome(); });
}

TEST_CASE("a ThreadSafeFlag and a ThreadSafeEvent that are always set do not starve the loop") {
    ThreadSafeFlag flag;
    check_fair_void([&] {
        flag.set();
        return flag.wait();
    });
    ThreadSafeEvent event;
    event.set();
    check_fair_void([&] { return event.wait(); });
}

TEST_CASE("a ThreadSafeQueue that always has an item, or room, does not starve the loop") {
    ThreadSafeQueue<int, 4> queue;
    check_fair([&] {
        std::ignore = queue.put_sync(1);
        return queue.next();
    });
    check_fair([&] {
        std::ignore = queue.put_sync(1);
        return queue.get();
    });
    check_fair([&] {
        while (queue.get_sync()) {
        }
        return queue.put(one_item);
    });
}

TEST_CASE("a Message, a Latest, a Broadcast, a RingIO and a Delay that need not be waited for do not starve the loop") {
    Message<int> message;
    std::ignore = message.set(1);
    check_fair([&] { return message.wait(); });
    check_fair([&] {
        std::ignore = message.set(1);
        return message.next();
    });
    Latest<int> latest;
    check_fair([&] {
        latest.publish(1);
        return latest.next();
    });
    Broadcast<int, 2> numbers;
    Broadcast<int, 2>::Subscriber subscriber{numbers};
    check_fair([&] {
        numbers.publish(1);
        return subscriber.next();
    });
    RingIO<8> ring;
    char byte = 0;
    check_fair([&] {
        std::ignore = ring.received('x');
        return ring.read(std::span{&byte, 1});
    });
    check_fair([&] {
        while (ring.next_to_send()) {
        }
        return ring.write("x");
    });
    while (ring.next_to_send()) {
    }
    check_fair_void([&] { return ring.drain(); });
    VirtualTimePort port;
    Loop loop{port};
    Delay delay{0s};
    delay.trigger();
    check_fair_void([&] { return delay.wait(); });
}

TEST_CASE("a task that has ended, awaited by its handle, does not starve the loop") {
    TaskHandle<int> handle;
    auto ends = []() -> Task<int> { co_return 1; };
    auto prepare = [&]() -> Task<> {
        handle = create_task(ends());
        co_await handle;
    };
    check_fair([&] { return handle; }, prepare);
    check_fair([&] { return handle.outcome(); }, prepare);
    check_fair([&] { return gather(handle); }, prepare);
    check_fair([&] { return gather(return_exceptions, handle, handle); }, prepare);
    check_fair([&] { return select(handle); }, prepare);
    check_fair([&] { return try_wait_for(handle, 1s); }, prepare);
    check_fair([&] { return try_wait_for(handle, 0s); }, prepare);
}

TEST_CASE("coroutines that never suspend do not starve the loop") {
    auto next = [](int value) -> Task<int> { co_return value; };
    auto nested = [&](int value) -> Task<int> {
        const int got = co_await next(value);
        co_return got;
    };
    check_fair([&] { return next(1); });
    check_fair([&] { return nested(1); });
}

TEST_CASE("a select and a time limit of what is ready do not starve the loop, and the first that is ready wins") {
    Event set, never;
    set.set();
    Queue<int, 4> queue;
    int wins = 0, others = 0;
    auto count = [&](std::size_t index) -> Task<int> {
        ++(index == 1 ? wins : others);
        co_return 0;
    };
    check_fair([&]() -> Task<int> {
        std::ignore = queue.put_nowait(1);
        const auto first = co_await select(never.wait(), set.wait(), queue.get());
        co_return co_await count(first.index());
    });
    CHECK(wins > 0);
    CHECK(others == 0);
    CHECK(queue.full());
    check_fair([&] { return try_wait_for(set.wait(), 1s); });
    check_fair([&] { return try_wait_for(set.wait(), 0s); });
}

TEST_CASE("a custom awaiter that asks may_continue() does not starve the loop") {
    class Open final : public AwaiterBase {
    public:
        Open() = default;
        Open(Open&&) = default;
        ~Open() { leave(); }
        bool await_ready() const noexcept { return may_continue(); }
        void await_suspend(std::coroutine_handle<> frame) {
            park(frame);
            wake();
        }
        void await_resume() { check_cancelled(); }

    private:
        bool retract() noexcept override { return true; }
    };
    check_fair_void([] { return Open{}; });
    check_fair([] { return select(Open{}); });
}

#if ROUSE_HOSTED // elsewhere the limit is shared by all steps
TEST_CASE("each step of a task may continue as often as the others, and waiting costs no round") {
    Log log;
    Event event;
    event.set();
    auto some = [&](int n) -> Task<> {
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 50; ++i) co_await event.wait();
            log(n);
            co_await yield();
        }
    };
    auto main = [&]() -> Task<> { co_await gather(some(1), some(2)); };
    run_virtual(main());
    CHECK(log == "1 2 1 2 1 2");
}
#endif

namespace {

// Gets items until it is cancelled; `taken` are the items that it has got.
template <class Q>
Task<> gets(Q& queue, int& taken) {
    for (;;) {
        auto item = co_await queue.next();
        if (!item) co_return;
        ++taken;
    }
}

// Cancels a task while it takes its round, and counts what is left in the queue.
template <class Q>
void check_nothing_is_lost(Q& queue, int count, int (*left)(Q&)) {
    int taken = 0;
    auto main = [&]() -> Task<> {
        auto task = create_task(gets(queue, taken));
        co_await yield(); // the task has begun and takes its round now
        CHECK(taken > 0);
        CHECK(taken < count);
        CHECK(task.cancel());
        const int before = taken;
        co_await task.outcome();
        CHECK(task.cancelled());
        CHECK(taken == before);
    };
    run_virtual(main());
    CHECK(taken + left(queue) == count);
}

} // namespace

TEST_CASE("a task that is cancelled while it takes its round loses nothing") {
    Queue<std::unique_ptr<int>, 1000> queue;
    ThreadSafeQueue<std::unique_ptr<int>, 1000> thread_safe;
    for (int i = 0; i < 1000; ++i) {
        std::ignore = queue.put_nowait(std::make_unique<int>(i));
        std::ignore = thread_safe.put_sync(std::make_unique<int>(i));
    }
    check_nothing_is_lost<decltype(queue)>(queue, 1000, [](auto& q) {
        int left = 0;
        while (q.get_nowait()) ++left;
        return left;
    });
    check_nothing_is_lost<decltype(thread_safe)>(thread_safe, 1000, [](auto& q) {
        int left = 0;
        while (q.get_sync()) ++left;
        return left;
    });
    // The lock is passed on, and a flag stays set.
    Lock lock;
    ThreadSafeFlag flag;
    auto locks = [&]() -> Task<> {
        for (int i = 0; i < 100'000; ++i) auto guard = co_await lock.scoped();
    };
    auto flags = [&]() -> Task<> {
        for (int i = 0; i < 100'000; ++i) {
            flag.set();
            co_await flag.wait();
        }
    };
    auto main = [&]() -> Task<> {
        auto one = create_task(locks());
        auto two = create_task(flags());
        co_await yield();
        CHECK(lock.locked());
        CHECK(flag.is_set());
        CHECK(one.cancel());
        CHECK(two.cancel());
        co_await one.outcome();
        co_await two.outcome();
        CHECK(one.cancelled());
        CHECK(two.cancelled());
        CHECK(!lock.locked());
        CHECK(flag.is_set());
    };
    run_virtual(main());
}

TEST_CASE("a task that awaits children that never suspend can be cancelled, between two of them") {
    int begun = 0, ended = 0;
    auto child = [&]() -> Task<> {
        ++begun;
        ++ended;
        co_return;
    };
    auto busy = [&]() -> Task<> {
        while (begun < 100'000) co_await child();
    };
    auto main = [&]() -> Task<> {
        auto task = create_task(busy());
        co_await yield();
        const int before = begun;
        CHECK(before > 0);
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
        CHECK(begun == before);
        CHECK(ended == before);
    };
    run_virtual(main());
}

TEST_CASE("what a task waits in may be destroyed while the task takes its round") {
    auto ended = 0;
    auto uses = [&](auto& holder) -> Task<> {
        for (int i = 0; holder && i < 100'000; ++i) co_await holder->wait();
        ++ended;
    };
    auto gets_from = [&](auto& holder) -> Task<> {
        for (int i = 0; holder && i < 100'000; ++i) {
            std::ignore = holder->put_nowait(1);
            auto item = co_await holder->next();
            if (!item) break;
        }
        ++ended;
    };
    auto gets_sync_from = [&](auto& holder) -> Task<> {
        for (int i = 0; holder && i < 100'000; ++i) {
            std::ignore = holder->put_sync(1);
            auto item = co_await holder->next();
            if (!item) break;
        }
        ++ended;
    };
    auto main = [&]() -> Task<> {
        auto event = std::make_unique<Event>();
        auto flag = std::make_unique<ThreadSafeEvent>();
        auto queue = std::make_unique<Queue<int, 2>>();
        auto thread_safe = std::make_unique<ThreadSafeQueue<int, 2>>();
        event->set();
        flag->set();
        create_task(uses(event));
        create_task(uses(flag));
        create_task(gets_from(queue));
        create_task(gets_sync_from(thread_safe));
        co_await yield();
        CHECK(ended == 0);
        event.reset();
        flag.reset();
        queue.reset();
        thread_safe.reset();
        co_await sleep(1s);
        CHECK(ended == 4);
    };
    run_virtual(main());
}
