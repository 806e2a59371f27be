#include <rouse/threadsafe/thread_safe_mpsc_queue.hpp>

#include <rouse/threadsafe/thread_safe_flag.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_port.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

template <class Queue>
Task<> take_into(Queue& queue, Log& log) {
    while (auto item = co_await queue.next()) log(*item);
    log("end");
}

// Logs the item once it is in the queue, or "refused".
template <class Queue>
Task<> put_one(Queue& queue, int item, Log& log) {
    const bool accepted = co_await queue.put(item);
    if (accepted) log("put-" + std::to_string(item));
    if (!accepted) log("refused");
}

// Numbered items of several producers: those of each must come in order, and none may be missing at the end.
class Ledger {
public:
    static constexpr int per_producer = 1'000'000; // at most

    static int item(int producer, int number) { return producer * per_producer + number; }
    void operator()(int item) {
        int& next = next_[static_cast<std::size_t>(item / per_producer)];
        if (item % per_producer != next) FAIL("an item is lost, duplicated or out of order: " << item);
        ++next;
        ++total_;
    }
    [[nodiscard]] int total() const { return total_; }
    [[nodiscard]] int of(int producer) const { return next_[static_cast<std::size_t>(producer)]; }

private:
    std::array<int, 16> next_{};
    int total_ = 0;
};

} // namespace

// ---- what it holds ----

TEST_CASE("an mpsc queue holds N items, whether N is a power of two or not") {
    const auto check = [](auto& queue, std::size_t n) {
        CHECK(queue.capacity() == n);
        int put = 0, got = 0;
        for (int round = 0; round < 50; ++round) {
            while (queue.put_sync(put)) ++put;
            CHECK(queue.full());
            CHECK(queue.size() == n);
            CHECK(queue.qsize() == n);
            for (int k = round % static_cast<int>(n); k >= 0; --k) {
                const auto item = queue.get_sync();
                REQUIRE(item == got);
                ++got;
                CHECK(queue.size() == static_cast<std::size_t>(put - got));
                CHECK(!queue.full());
            }
        }
        while (const auto item = queue.get_sync()) REQUIRE(*item == got++);
        CHECK(got == put);
        CHECK(queue.empty());
    };
    ThreadSafeMpscQueue<int, 1> one;
    ThreadSafeMpscQueue<int, 2> two;
    ThreadSafeMpscQueue<int, 3> three;
    ThreadSafeMpscQueue<int, 8> eight;
    ThreadSafeMpscQueue<int, 13> thirteen;
    check(one, 1);
    check(two, 2);
    check(three, 3);
    check(eight, 8);
    check(thirteen, 13);
}

TEST_CASE("a value that an mpsc queue refuses is not moved from") {
    ThreadSafeMpscQueue<std::unique_ptr<int>, 1> queue;
    auto first = std::make_unique<int>(1), second = std::make_unique<int>(2);
    CHECK(queue.put_sync(std::move(first)));
    CHECK(first == nullptr);
    CHECK(!queue.put_sync(std::move(second)));
    CHECK(second != nullptr);
#if ROUSE_HOSTED
    CHECK(!queue.put_sync(std::move(second), 1ms));
#endif
    CHECK(second != nullptr);
    queue.close();
#if ROUSE_HOSTED
    CHECK(!queue.put_sync(std::move(second), block));
#endif
    CHECK(second != nullptr);
    auto main = [&]() -> Task<> {
        const bool accepted = co_await queue.put(std::move(second));
        CHECK(!accepted);
        CHECK(second != nullptr);
    };
    run_virtual(main());
}

TEST_CASE("items live as long as they are in the mpsc queue, and those left are destroyed with it") {
    auto counted = std::make_shared<int>(0);
    {
        ThreadSafeMpscQueue<std::shared_ptr<int>, 5> queue;
        for (int i = 0; i < 4; ++i) CHECK(queue.put_sync(counted));
        CHECK(counted.use_count() == 5);
        CHECK(queue.get_sync().has_value());
        CHECK(counted.use_count() == 4);
        CHECK(queue.put_sync(counted));
        CHECK(queue.put_sync(counted));
        CHECK(counted.use_count() == 6);
    }
    CHECK(counted.use_count() == 1);
}

TEST_CASE("an mpsc queue can be constinit") {
    static constinit ThreadSafeMpscQueue<int, 4> queue;
    CHECK(queue.put_sync(1));
    CHECK(queue.get_sync() == 1);
}

// ---- many at once ----

TEST_CASE("get_many takes what is there, in order, up to the size of the span") {
    const auto check = [](auto& queue) {
        std::array<int, 3> items{};
        CHECK(queue.get_many(items) == 0);
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 4; ++i) CHECK(queue.put_sync(10 * round + i));
            CHECK(queue.get_many(items) == 3);
            CHECK(items == std::array<int, 3>{10 * round, 10 * round + 1, 10 * round + 2});
            CHECK(queue.get_many(std::span<int>{}) == 0);
            CHECK(queue.get_many(items) == 1);
            CHECK(items == std::array<int, 3>{10 * round + 3, 10 * round + 1, 10 * round + 2});
            CHECK(queue.empty());
        }
    };
    ThreadSafeMpscQueue<int, 5> many_producers;
    check(many_producers);
    ThreadSafeQueue<int, 5> one_producer;
    check(one_producer);
    std::array<int, 6> buffer{};
    ThreadSafeQueue<int> in_buffer{buffer};
    check(in_buffer);
}

TEST_CASE("next_many waits for the first item, takes what is there, and returns zero at the end") {
    const auto check = [](auto& queue) {
        Log log;
        auto getter = [](auto& q, Log& out) -> Task<> {
            std::array<int, 3> items{};
            for (;;) {
                const std::size_t count = co_await q.next_many(items);
                if (count == 0) break;
                for (std::size_t i = 0; i < count; ++i) out(items[i]);
                out("|");
            }
            out("end");
        };
        auto main = [&]() -> Task<> {
            auto handle = create_task(getter(queue, log));
            co_await yield();
            for (int i = 0; i < 4; ++i) CHECK(queue.put_sync(i));
            co_await sleep(1s);
            CHECK(!handle.done());
            CHECK(queue.put_sync(4));
            queue.close();
            co_await handle;
        };
        run_virtual(main());
        CHECK(log == "0 1 2 | 3 | 4 | end");
    };
    ThreadSafeMpscQueue<int, 5> many_producers;
    check(many_producers);
    ThreadSafeQueue<int, 5> one_producer;
    check(one_producer);
}

TEST_CASE("a cancelled next_many leaves the items in the queue") {
    const auto check = [](auto& queue) {
        auto main = [&]() -> Task<> {
            auto getter = create_task([](auto& q) -> Task<> {
                std::array<int, 2> items{};
                std::ignore = co_await q.next_many(items);
            }(queue));
            co_await yield();
            CHECK(queue.put_sync(7));
            CHECK(getter.cancel());
            co_await getter.outcome();
            CHECK(getter.cancelled());
            CHECK(queue.get_sync() == 7);
        };
        run_virtual(main());
    };
    ThreadSafeMpscQueue<int, 5> many_producers;
    check(many_producers);
    ThreadSafeQueue<int, 5> one_producer;
    check(one_producer);
}

TEST_CASE("next_many into no elements is a clear error") {
    auto gets = [](auto queue) -> Task<> { std::ignore = co_await queue->next_many({}); };
    CHECK(contains(misuse_of([&] { run_virtual(gets(std::make_unique<ThreadSafeMpscQueue<int, 2>>())); }),
                   "ThreadSafeMpscQueue::next_many: the span has no elements"));
    CHECK(contains(misuse_of([&] { run_virtual(gets(std::make_unique<ThreadSafeQueue<int, 2>>())); }),
                   "ThreadSafeQueue::next_many: the span has no elements"));
}

// ---- tasks ----

TEST_CASE("many tasks put, one gets: each producer's order is kept") {
    ThreadSafeMpscQueue<int, 3> queue;
    auto producer = [&](int who) -> Task<> {
        for (int i = 0; i < 50; ++i) {
            const bool accepted = co_await queue.put(Ledger::item(who, i));
            if (!accepted) FAIL("refused");
            if (i % 7 == who) co_await yield();
        }
    };
    auto main = [&]() -> Task<int> {
        std::vector<TaskHandle<>> producers;
        for (int i = 0; i < 5; ++i) producers.push_back(create_task(producer(i)));
        Ledger ledger;
        while (ledger.total() < 250) {
            const int item = co_await queue.get();
            ledger(item);
        }
        for (auto& each : producers) co_await each;
        co_return ledger.total();
    };
    CHECK(run_virtual(main()) == 250);
    CHECK(queue.empty());
}

TEST_CASE("tasks that wait for room in an mpsc queue get it in the order in which they began to wait") {
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(0));
        std::vector<TaskHandle<>> producers;
        for (int i = 1; i <= 4; ++i) producers.push_back(create_task(put_one(queue, i, log)));
        co_await sleep(1s);
        CHECK(log == "");
        for (int i = 0; i <= 4; ++i) {
            const int item = co_await queue.get();
            CHECK(item == i);
            co_await sleep(1s);
        }
    };
    run_virtual(main());
    CHECK(log == "put-1 put-2 put-3 put-4");
}

TEST_CASE("a put that finds room may overtake those that wait, and they wait on") {
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        auto waits = create_task(put_one(queue, 2, log));
        co_await yield();
        CHECK(queue.get_sync() == 1); // wakes the task, whose wake has not arrived yet
        CHECK(queue.put_sync(3));
        co_await sleep(1s);
        CHECK(!waits.done());
        CHECK(queue.get_sync() == 3);
        co_await waits;
        CHECK(queue.get_sync() == 2);
    };
    run_virtual(main());
}

TEST_CASE("a task whose wake has arrived keeps its room until it resumes") {
    ThreadSafeFlag flag;
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        auto rival = create_task([](auto& f, auto& q) -> Task<> {
            co_await f.wait();
            CHECK(q.size() == 1); // the other task's slot, which it has not filled yet
            CHECK(!q.get_sync());
            CHECK(!q.put_sync(9));
        }(flag, queue));
        auto waits = create_task(put_one(queue, 2, log));
        co_await yield();
        flag.set(); // both arrive together; the rival runs first
        CHECK(queue.get_sync() == 1);
        co_await waits;
        co_await rival;
        CHECK(queue.get_sync() == 2);
    };
    run_virtual(main());
    CHECK(log == "put-2");
}

TEST_CASE("a cancelled put leaves the value with the caller, and the room to the next producer") {
    ThreadSafeMpscQueue<std::unique_ptr<int>, 1> queue;
    auto value = std::make_unique<int>(2), next = std::make_unique<int>(3);
    auto put = [](auto& q, auto& v) -> Task<> { std::ignore = co_await q.put(std::move(v)); };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(std::make_unique<int>(1)));
        auto first = create_task(put(queue, value));
        auto second = create_task(put(queue, next));
        co_await yield();
        CHECK(queue.get_sync().has_value()); // wakes both
        CHECK(first.cancel());
        co_await first.outcome();
        CHECK(first.cancelled());
        co_await second;
        const auto item = co_await queue.get();
        CHECK(*item == 3);
        CHECK(queue.empty());
    };
    run_virtual(main());
    CHECK(value != nullptr);
}

TEST_CASE("a task cancelled between its claim and its resumption gives the slot back") {
    ThreadSafeFlag flag;
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        TaskHandle<> first;
        auto canceller = create_task([](auto& f, auto& handle) -> Task<> {
            co_await f.wait();
            CHECK(handle.cancel());
        }(flag, first));
        first = create_task(put_one(queue, 2, log));
        auto second = create_task(put_one(queue, 3, log));
        co_await yield();
        auto consumer = create_task(take_into(queue, log));
        flag.set(); // arrives with the wake of `first`; the canceller runs before it
        co_await first.outcome();
        co_await canceller;
        CHECK(first.cancelled());
        co_await second;
        queue.close();
        co_await consumer;
    };
    run_virtual(main());
    CHECK(contains(log, "3 end"));
    CHECK(!contains(log, "put-2"));
}

TEST_CASE("cancelling the put that waits in the middle leaves the others in their order") {
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(0));
        auto a = create_task(put_one(queue, 1, log));
        auto b = create_task(put_one(queue, 2, log));
        auto c = create_task(put_one(queue, 3, log));
        co_await yield();
        CHECK(b.cancel());
        co_await b.outcome();
        for (int i = 0; i < 3; ++i) {
            std::ignore = co_await queue.get();
            co_await sleep(1s);
        }
        co_await a;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "put-1 put-3");
}

TEST_CASE("a put with a time limit gives up, and a later get finds the next producer") {
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        int late = 2;
        auto outcome = co_await try_wait_for(queue.put(late), 1s);
        CHECK(outcome.timed_out());
        auto next = create_task(put_one(queue, 3, log));
        co_await yield();
        CHECK(queue.get_sync() == 1);
        co_await next;
        CHECK(queue.get_sync() == 3);
    };
    run_virtual(main());
}

TEST_CASE("the put that loses a select has put nothing, and leaves no gap") {
    ThreadSafeMpscQueue<int, 1> a, b;
    auto main = [&]() -> Task<> {
        CHECK(a.put_sync(1));
        CHECK(b.put_sync(1));
        auto rooms = create_task([](auto& x, auto& y) -> Task<> {
            co_await sleep(1s);
            CHECK(x.get_sync() == 1); // both wakes arrive together
            CHECK(y.get_sync() == 1);
        }(a, b));
        int item = 7;
        const auto first = co_await select(a.put(item), b.put(item));
        CHECK(first.index() == 0);
        CHECK(std::get<0>(first));
        CHECK(a.get_sync() == 7);
        CHECK(!b.get_sync());
        CHECK(b.empty());
        CHECK(b.put_sync(8));
        co_await rooms;
    };
    run_virtual(main());
}

TEST_CASE("a put that is ready at once wins a select, and the put before it leaves no gap") {
    ThreadSafeMpscQueue<int, 1> full, free;
    auto main = [&]() -> Task<> {
        CHECK(full.put_sync(1));
        int item = 7;
        const auto first = co_await select(full.put(item), free.put(item));
        CHECK(first.index() == 1);
        CHECK(full.get_sync() == 1);
        CHECK(full.empty());
        CHECK(free.get_sync() == 7);
    };
    run_virtual(main());
}

TEST_CASE("an mpsc queue: a cancelled get leaves the item in the queue") {
    ThreadSafeMpscQueue<int, 2> queue;
    auto main = [&]() -> Task<> {
        auto getter = create_task([](auto& q) -> Task<int> { co_return co_await q.get(); }(queue));
        co_await yield();
        CHECK(queue.put_sync(7)); // wakes the getter
        CHECK(getter.cancel());
        co_await getter.outcome();
        CHECK(getter.cancelled());
        CHECK(queue.qsize() == 1);
        const int item = co_await queue.get();
        CHECK(item == 7);
    };
    run_virtual(main());
}

TEST_CASE("an mpsc queue: a second task that gets is a clear error") {
    auto gets = []() -> Task<> {
        ThreadSafeMpscQueue<int, 2> queue;
        create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(queue));
        co_await yield();
        (void)co_await queue.next();
    };
    CHECK(contains(misuse_of([&] { run_virtual(gets()); }), "ThreadSafeMpscQueue: a second consumer"));
}

TEST_CASE("an mpsc queue: many puts that are ready take a round of the ready queue now and then") {
    ThreadSafeMpscQueue<int, 1000> queue;
    bool ran = false;
    auto other = [](bool& flag) -> Task<> {
        flag = true;
        co_return;
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(other(ran));
        for (int i = 0; i < 1000; ++i) {
            const bool accepted = co_await queue.put(i);
            CHECK(accepted);
        }
        CHECK(ran);
        for (int i = 0; i < 1000; ++i) {
            const int item = co_await queue.get();
            CHECK(item == i);
        }
        co_await handle;
    };
    run_virtual(main());
}

// ---- its end ----

TEST_CASE("an mpsc queue that goes while tasks wait leaves them waiting until they are cancelled") {
    auto main = []() -> Task<> {
        Log log;
        std::vector<TaskHandle<>> waiting;
        {
            ThreadSafeMpscQueue<int, 1> full, empty;
            CHECK(full.put_sync(1));
            for (int i = 0; i < 3; ++i) waiting.push_back(create_task(put_one(full, i, log)));
            waiting.push_back(create_task([](auto& q) -> Task<> { (void)co_await q.next(); }(empty)));
            co_await yield();
        }
        co_await sleep(1s);
        for (auto& handle : waiting) {
            CHECK(!handle.done());
            CHECK(handle.cancel());
            co_await handle.outcome();
            CHECK(handle.cancelled());
        }
        CHECK(log == "");
    };
    run_virtual(main());
}

TEST_CASE("an mpsc queue that goes while the wakes of its producers are under way leaves them waiting") {
    auto main = []() -> Task<> {
        Log log;
        std::vector<TaskHandle<>> waiting;
        {
            ThreadSafeMpscQueue<int, 1> full;
            CHECK(full.put_sync(1));
            for (int i = 0; i < 3; ++i) waiting.push_back(create_task(put_one(full, i, log)));
            co_await yield();
            CHECK(full.get_sync() == 1);
            CHECK(waiting[1].cancel()); // must wait for its arrival
        }
        co_await sleep(1s);
        CHECK(waiting[1].done());
        CHECK(waiting[1].cancelled());
        for (int i : {0, 2}) {
            auto& handle = waiting[static_cast<std::size_t>(i)];
            CHECK(!handle.done());
            CHECK(handle.cancel());
            co_await handle.outcome();
        }
        CHECK(log == "");
    };
    run_virtual(main());
}

TEST_CASE("an mpsc queue that goes while a task is ready to put is closed for that task") {
    Log log;
    auto main = [&]() -> Task<> {
        ThreadSafeFlag flag;
        auto queue = std::make_unique<ThreadSafeMpscQueue<int, 1>>();
        CHECK(queue->put_sync(1));
        create_task([](auto& f, auto& q) -> Task<> {
            co_await f.wait();
            q.reset();
        }(flag, queue));
        auto putter = create_task(put_one(*queue, 2, log));
        co_await yield();
        flag.set(); // both arrive together; the task that destroys the queue runs first
        CHECK(queue->get_sync() == 1);
        co_await putter;
    };
    run_virtual(main());
    CHECK(log == "refused");
}

TEST_CASE("tasks that wait in an mpsc queue end with their loop; the queue lives on") {
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    CHECK(queue.put_sync(1));
    {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < 3; ++i) loop.create_task(put_one(queue, i, log));
        loop.poll();
    }
    CHECK(queue.get_sync() == 1);
    CHECK(queue.empty());
    CHECK(queue.put_sync(2));
    CHECK(log == "");
}

// ---- closing ----

TEST_CASE("closing an mpsc queue wakes all who wait; what was accepted can still be got") {
    ThreadSafeMpscQueue<int, 1> queue, empty;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        auto a = create_task(take_into(empty, log));
        auto b = create_task(put_one(queue, 2, log)), c = create_task(put_one(queue, 3, log));
        co_await yield();
        empty.close();
        queue.close();
        co_await a;
        co_await b;
        co_await c;
        CHECK(queue.closed());
        CHECK(!queue.drained());
        CHECK(!queue.put_sync(3));
        CHECK(queue.size() == 1);
        const auto first = co_await queue.next();
        CHECK(first == 1);
        CHECK(queue.drained());
        const auto second = co_await queue.next();
        CHECK(!second);
        queue.close(); // again
    };
    run_virtual(main());
#if ROUSE_HOSTED
    CHECK(!queue.get_sync(block));
    CHECK(!queue.put_sync(1, block));
#endif
    CHECK(log == "end refused refused");
}

TEST_CASE("a put that had its room before close is accepted, and the consumer waits for it") {
    ThreadSafeFlag flag;
    ThreadSafeMpscQueue<int, 1> queue;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        auto closer = create_task([](auto& f, auto& q) -> Task<> {
            co_await f.wait();
            q.close();
            CHECK(!q.get_sync());
            CHECK(!q.drained());
        }(flag, queue));
        auto putter = create_task(put_one(queue, 2, log));
        co_await yield();
        flag.set(); // arrives with the wake of the putter, which claims its slot; the closer runs first
        CHECK(queue.get_sync() == 1);
        co_await take_into(queue, log);
        co_await putter;
        co_await closer;
    };
    run_virtual(main());
    CHECK(log == "put-2 2 end");
}

#if ROUSE_EXCEPTIONS
TEST_CASE("get of an mpsc queue throws QueueClosed once it is closed and drained") {
    ThreadSafeMpscQueue<int, 2> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_sync(1));
        queue.close();
        const int item = co_await queue.get();
        CHECK(item == 1);
        bool thrown = false;
        try {
            (void)co_await queue.get();
        } catch (const QueueClosed&) {
            thrown = true;
        }
        CHECK(thrown);
    };
    run_virtual(main());
}

namespace {

// Is made without an exception, and moved with one.
struct ThrowsWhenMoved : MoveThrows {
    explicit ThrowsWhenMoved(int the_number) noexcept : MoveThrows{the_number} {}
    ThrowsWhenMoved(ThrowsWhenMoved&&) = default;
    ThrowsWhenMoved& operator=(ThrowsWhenMoved&&) = default;
};

} // namespace

TEST_CASE("an item whose move throws stays the oldest in the queue, also for get_many") {
    const auto check = [](auto& queue) {
        for (int i = 1; i <= 3; ++i) CHECK(queue.put_sync(i));
        std::array<ThrowsWhenMoved, 3> items{ThrowsWhenMoved{0}, ThrowsWhenMoved{0}, ThrowsWhenMoved{0}};
        MoveThrows::throws_at = 1;
        CHECK_THROWS_AS(queue.get_sync(), int);
        MoveThrows::throws_at = 1;
        CHECK_THROWS_AS(queue.get_many(items), int);
        CHECK(queue.size() == 3);
        MoveThrows::throws_at = 2;
        CHECK(queue.get_many(items) == 1);
        CHECK(items[0].number == 1);
        CHECK(queue.size() == 2);
        MoveThrows::throws_at = 0;
        CHECK(queue.get_many(items) == 2);
        CHECK(items[0].number == 2);
        CHECK(items[1].number == 3);
        CHECK(queue.empty());
    };
    {
        ThreadSafeMpscQueue<ThrowsWhenMoved, 3> many_producers;
        check(many_producers);
        ThreadSafeQueue<ThrowsWhenMoved, 3> one_producer;
        check(one_producer);
    }
    CHECK(MoveThrows::alive == 0);
}
#else
TEST_CASE("without exceptions get of a closed and drained mpsc queue is a panic that names next") {
    auto main = []() -> Task<> {
        ThreadSafeMpscQueue<int, 2> queue;
        queue.close();
        (void)co_await queue.get();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "ThreadSafeMpscQueue::get: the queue is closed"));
}
#endif

TEST_CASE("items put into an mpsc queue by a signal handler and by the code that it interrupts all arrive in order") {
    static ThreadSafeMpscQueue<int, 4> queue;
    static int from_handler = 0;
    SignalTimer timer{[](int) {
        while (queue.put_sync(Ledger::item(0, from_handler))) ++from_handler;
    }};
    int from_task = 0;
    Ledger ledger;
    auto main = [&]() -> Task<> {
        for (int round = 0; round < 300; ++round) {
            timer.arm(1000 + round * 41);
            const int before = ledger.of(0);
            while (ledger.of(0) == before) {
                const bool accepted = queue.put_sync(Ledger::item(1, from_task));
                if (accepted) ++from_task;
                while (const auto item = queue.get_sync()) ledger(*item);
            }
        }
        while (const auto item = queue.get_sync()) ledger(*item);
        co_return;
    };
    run(main());
    CHECK(ledger.of(0) == from_handler);
    CHECK(ledger.of(1) == from_task);
    CHECK(from_handler >= 300);
}

// ---- threads ----

#if ROUSE_HOSTED // threads
TEST_CASE("an mpsc queue: a blocking call on the thread of a running loop is a clear error") {
    auto gets = []() -> Task<> {
        ThreadSafeMpscQueue<int, 2> queue;
        (void)queue.get_sync(block);
        co_return;
    };
    auto puts = []() -> Task<> {
        ThreadSafeMpscQueue<int, 2> queue;
        (void)queue.put_sync(1, 1s);
        co_return;
    };
    CHECK(contains(misuse_of([&] { run_virtual(gets()); }), "ThreadSafeMpscQueue::get_sync: would block the loop"));
    CHECK(contains(misuse_of([&] { run_virtual(puts()); }), "ThreadSafeMpscQueue::put_sync: would block the loop"));
}

TEST_CASE("an mpsc queue: timed calls give up when the time is up, and not before") {
    ThreadSafeMpscQueue<int, 1> queue;
    using Steady = std::chrono::steady_clock;
    auto start = Steady::now();
    CHECK(!queue.get_sync(20ms));
    CHECK(Steady::now() - start >= 20ms);
    CHECK(!queue.get_sync(0ms));
    CHECK(!queue.get_sync(-1s));
    CHECK(queue.put_sync(1, 0ms));
    start = Steady::now();
    CHECK(!queue.put_sync(2, 20ms));
    CHECK(Steady::now() - start >= 20ms);
    CHECK(!queue.put_sync(2, 0ms));
    CHECK(!queue.put_sync(2, -1s));
    CHECK(queue.get_sync(1h) == 1);
}

TEST_CASE("closing an mpsc queue wakes all threads that block") {
    ThreadSafeMpscQueue<int, 1> full, empty;
    CHECK(full.put_sync(1));
    std::atomic<int> ended{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] { ended += !empty.get_sync(block); });
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { ended += !full.put_sync(2, block); });
    std::this_thread::sleep_for(10ms);
    CHECK(ended == 0);
    empty.close();
    full.close();
    for (auto& each : threads) each.join();
    CHECK(ended == 4);
}

TEST_CASE("eight threads that block put into an mpsc queue: every item, each producer's in order") {
    ThreadSafeMpscQueue<int, 8> queue;
    constexpr int producers = 8, count = 20'000;
    std::atomic<int> refused{0}, left{producers};
    std::vector<std::thread> threads;
    for (int who = 0; who < producers; ++who) {
        threads.emplace_back([&, who] {
            for (int i = 0; i < count; ++i) refused += !queue.put_sync(Ledger::item(who, i), block);
            if (--left == 0) queue.close();
        });
    }
    Ledger ledger;
    while (const auto item = queue.get_sync(block)) ledger(*item);
    for (auto& each : threads) each.join();
    CHECK(refused == 0);
    CHECK(ledger.total() == producers * count);
    CHECK(queue.empty());
}

TEST_CASE("threads, tasks of this loop and tasks of another one put into an mpsc queue at once") {
    ThreadSafeMpscQueue<int, 3> queue;
    constexpr int count = 10'000;
    std::atomic<int> refused{0};
    auto producer = [&](int who) -> Task<> {
        for (int i = 0; i < count; ++i) {
            const int item = Ledger::item(who, i);
            const bool accepted = co_await queue.put(item);
            refused += !accepted;
        }
    };
    std::vector<std::thread> threads;
    for (int who = 0; who < 2; ++who) {
        threads.emplace_back([&, who] {
            for (int i = 0; i < count; ++i) refused += !queue.put_sync(Ledger::item(who, i), block);
        });
    }
    threads.emplace_back([&] {
        run([](auto& make_producer) -> Task<> {
            auto a = create_task(make_producer(2));
            auto b = create_task(make_producer(3));
            co_await a;
            co_await b;
        }(producer));
    });
    Ledger ledger;
    auto main = [&]() -> Task<> {
        auto a = create_task(producer(4));
        auto b = create_task(producer(5));
        std::array<int, 2> items{};
        while (ledger.total() < 6 * count) {
            const std::size_t taken = co_await queue.next_many(items);
            for (std::size_t i = 0; i < taken; ++i) ledger(items[i]);
        }
        co_await a;
        co_await b;
    };
    run(main());
    for (auto& each : threads) each.join();
    CHECK(refused == 0);
    CHECK(queue.empty());
}

TEST_CASE("an mpsc queue makes no wake while the consumer is awake, and one when it sleeps") {
    CountingPort port;
    Loop loop{port};
    ThreadSafeMpscQueue<int, 2000> queue;
    std::atomic<bool> awake{false}, go_on{false};
    int refused = 0; // the producer's: Catch2's checks are for one thread
    std::thread producer{[&] {
        while (!awake) {
        }
        for (int i = 0; i < 1000; ++i) refused += !queue.put_sync(i);
        go_on = true;
        while (!port.sleeping) {
        }
        for (int i = 0; i < 500; ++i) refused += !queue.put_sync(i);
    }};
    auto main = [&]() -> Task<> {
        awake = true;
        while (!go_on) {
        }
        CHECK(port.wakes == 0);
        for (int i = 0; i < 1000; ++i) (void)co_await queue.get();
        CHECK(port.wakes == 0);
        (void)co_await queue.get(); // sleeps
        CHECK(port.wakes == 1);
    };
    loop.run(main());
    producer.join();
    CHECK(refused == 0);
}

TEST_CASE("close of an mpsc queue at a random moment loses no accepted item, of any producer") {
    std::mt19937 random{3};
    for (int round = 0; round < 200; ++round) {
        ThreadSafeMpscQueue<int, 3> queue;
        std::atomic<bool> started{false};
        std::array<int, 3> accepted{};
        std::vector<std::thread> threads;
        for (int who = 0; who < 3; ++who) {
            threads.emplace_back([&, who] {
                started = true;
                int& count = accepted[static_cast<std::size_t>(who)];
                for (;;) {
                    const int item = Ledger::item(who, count);
                    if (count % 2 == 0 ? queue.put_sync(item, block) : queue.put_sync(item)) {
                        ++count;
                    } else if (queue.closed()) {
                        break;
                    }
                }
            });
        }
        threads.emplace_back([&, pause = static_cast<int>(random() % 20'000)] {
            while (!started) {
            }
            test::spin(pause);
            queue.close();
        });
        Ledger ledger;
        if (round % 2 == 0) {
            while (auto item = queue.get_sync(block)) ledger(*item);
        } else {
            auto main = [&]() -> Task<> {
                while (auto item = co_await queue.next()) ledger(*item);
            };
            run(main());
        }
        for (auto& each : threads) each.join();
        for (int who = 0; who < 3; ++who) REQUIRE(ledger.of(who) == accepted[static_cast<std::size_t>(who)]);
    }
}

TEST_CASE("puts of tasks that are cancelled at any moment lose nothing and block no one") {
    ThreadSafeMpscQueue<int, 1> queue;
    constexpr int count = 2'000;
    std::atomic<int> got{0};
    std::thread consumer{[&] {
        while (const auto item = queue.get_sync(block)) ++got;
    }};
    int accepted = 0;
    auto put = [](auto& q, int& n) -> Task<> {
        int item = 1;
        const bool taken = co_await q.put(item);
        n += taken;
    };
    auto main = [&]() -> Task<> {
        for (int i = 0; i < count; ++i) {
            auto a = create_task(put(queue, accepted)), b = create_task(put(queue, accepted)),
                 c = create_task(put(queue, accepted));
            co_await yield();
            test::spin(i % 512);
            b.cancel();
            co_await yield();
            a.cancel();
            co_await a.outcome();
            co_await b.outcome();
            co_await c;
        }
    };
    run(main());
    queue.close();
    consumer.join();
    CHECK(got == accepted);
    CHECK(accepted >= count);
}
#endif
