#include <rouse/sync/queue.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

// A queue on the heap for up to `most` items.
template <std::size_t most>
struct Limited : Queue<int> {
    Limited() : Queue<int>{most} {}
};

// A coroutine's parameter may be a Queue<T, N> or a Queue<T>.
template <class Q>
Task<> get_one(Q& queue, Log& log, std::string name) {
    const auto item = co_await queue.next();
    log(item ? name + std::to_string(*item) : name + "!");
}

template <class Q>
Task<> put_one(Q& queue, Log& log, int item) {
    const bool accepted = co_await queue.put(item);
    log((accepted ? "put" : "refused") + std::to_string(item));
}

template <class Q>
std::string all_in(Q& queue) {
    Log log;
    while (const auto item = queue.get_nowait()) log(*item);
    return log;
}

constinit Queue<int, 3> made_before_main;
constinit Queue<int> on_the_heap_made_before_main;

} // namespace

// ---- without waiting ----

TEMPLATE_TEST_CASE("items leave a queue in the order in which they were put", "", (Queue<int, 3>), Queue<int>) {
    TestType queue;
    CHECK(queue.empty());
    CHECK(queue.put_nowait(1));
    CHECK(queue.put_nowait(2));
    CHECK(queue.qsize() == 2);
    CHECK(queue.size() == 2);
    CHECK(!queue.empty());
    CHECK(queue.get_nowait() == 1);
    CHECK(queue.put_nowait(3));
    CHECK(queue.get_nowait() == 2);
    CHECK(queue.get_nowait() == 3);
    CHECK(queue.get_nowait() == std::nullopt);
}

TEST_CASE("a queue holds up to its capacity and no more") {
    CHECK(made_before_main.maxsize() == 3);
    CHECK(made_before_main.capacity() == 3);
    for (int i = 0; i < 3; ++i) CHECK(made_before_main.put_nowait(i));
    CHECK(made_before_main.full());
    CHECK(!made_before_main.put_nowait(3));
    CHECK(all_in(made_before_main) == "0 1 2");

    Queue<int> queue{2};
    CHECK(queue.maxsize() == 2);
    CHECK(queue.capacity() == 2);
    CHECK(queue.put_nowait(1));
    CHECK(!queue.full());
    CHECK(queue.put_nowait(2));
    CHECK(queue.full());
    CHECK(!queue.put_nowait(3));
}

TEST_CASE("a queue without a limit is never full") {
    auto& queue = on_the_heap_made_before_main;
    CHECK(queue.maxsize() == 0);
    CHECK(queue.capacity() == SIZE_MAX);
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.put_nowait(i));
    CHECK(!queue.full());
    for (int i = 0; i < 1000; ++i) REQUIRE(queue.get_nowait() == i);
    CHECK(Queue<int>{0}.maxsize() == 0);
}

TEST_CASE("a queue accepts move-only items, and a refused one stays with the caller") {
    Queue<std::unique_ptr<int>, 1> queue;
    auto main = [&]() -> Task<> {
        auto item = std::make_unique<int>(1);
        const bool first = co_await queue.put(std::move(item));
        CHECK(first);
        CHECK(item == nullptr);
        item = std::make_unique<int>(2);
        CHECK(!queue.put_nowait(std::move(item)));
        CHECK(item != nullptr);
        queue.close();
        const bool second = co_await queue.put(std::move(item));
        CHECK(!second);
        CHECK(item != nullptr);
        const auto got = co_await queue.get();
        CHECK(*got == 1);
    };
    run_virtual(main());
}

TEMPLATE_TEST_CASE("a queue destroys the items that are left in it", "", (Queue<std::shared_ptr<int>, 300>),
                   Queue<std::shared_ptr<int>>) {
    const auto item = std::make_shared<int>(0);
    {
        TestType queue;
        for (int i = 0; i < 200; ++i) CHECK(queue.put_nowait(item));
        for (int i = 0; i < 100; ++i) CHECK(queue.get_nowait());
        CHECK(item.use_count() == 101);
    }
    CHECK(item.use_count() == 1);
}

// ---- waiting ----

TEMPLATE_TEST_CASE("a get waits for an item, and getters are served in the order in which they began to wait", "",
                   (Queue<int, 3>), Queue<int>) {
    Log log;
    TestType queue;
    auto main = [&]() -> Task<> {
        for (const char* name : {"a", "b", "c"}) create_task(get_one(queue, log, name));
        co_await sleep(1s);
        log("put");
        CHECK(queue.put_nowait(1));
        CHECK(queue.put_nowait(2));
        co_await sleep(1s);
        CHECK(queue.put_nowait(3));
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "put a1 b2 c3");
}

TEST_CASE("a put waits for room, and putters are served in the order in which they began to wait") {
    Log log;
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(put_one(queue, log, i));
        co_await sleep(1s);
        for (int i = 1; i <= 3; ++i) {
            const int item = co_await queue.get();
            log(item);
            co_await yield();
        }
    };
    run_virtual(main());
    CHECK(log == "put1 1 put2 2 put3 3");
}

TEST_CASE("items pass from waiting putters to waiting getters") {
    Log log;
    Queue<int, 1> queue;
    auto consumer = [&]() -> Task<> {
        while (const auto item = co_await queue.next()) log(*item);
        log("end");
    };
    auto main = [&]() -> Task<> {
        auto task = create_task(consumer());
        for (int i = 0; i < 5; ++i) {
            const bool accepted = co_await queue.put(i);
            CHECK(accepted);
        }
        queue.close();
        co_await task;
    };
    run_virtual(main());
    CHECK(log == "0 1 2 3 4 end");
}

TEST_CASE("no task can take an item that is reserved for a getter") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        CHECK(queue.qsize() == 1);
        CHECK(queue.get_nowait() == std::nullopt);
        CHECK(queue.put_nowait(2));
        CHECK(queue.get_nowait() == 1); // one of the two items, the oldest
        CHECK(queue.get_nowait() == std::nullopt);
        co_await a;
    };
    run_virtual(main());
    CHECK(log == "a2");
}

TEST_CASE("a getter that arrives when all items are reserved queues after the waiting ones") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        create_task(get_one(queue, log, "a"));
        create_task(get_one(queue, log, "b"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        auto c = create_task(get_one(queue, log, "c"));
        co_await yield();
        CHECK(queue.put_nowait(2));
        CHECK(queue.put_nowait(3));
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "a1 b2 c3");
}

TEST_CASE("no task can take room that is reserved for a putter") {
    Log log;
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        auto putter = create_task(put_one(queue, log, 2));
        co_await yield();
        CHECK(queue.get_nowait() == 1);
        CHECK(!queue.full());
        CHECK(!queue.put_nowait(3));
        co_await putter;
        CHECK(queue.get_nowait() == 2);
    };
    run_virtual(main());
    CHECK(log == "put2");
}

// ---- cancellation ----

TEST_CASE("a cancelled get that still waits leaves the queue") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a")), b = create_task(get_one(queue, log, "b"));
        co_await yield();
        a.cancel();
        CHECK(queue.put_nowait(1)); // reserved for b, although a has not run yet
        co_await b;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "b1");
}

TEST_CASE("an item that was reserved for a cancelled getter goes to the next one, in its order") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a"));
        create_task(get_one(queue, log, "b"));
        auto c = create_task(get_one(queue, log, "c"));
        co_await yield();
        CHECK(queue.put_nowait(1)); // reserved for a
        CHECK(queue.put_nowait(2)); // reserved for b
        a.cancel();
        co_await c;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "b1 c2");
}

TEST_CASE("an item that was reserved for a cancelled getter stays in the queue if no other getter waits") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        CHECK(queue.put_nowait(2));
        a.cancel();
        co_await a.outcome();
        CHECK(a.cancelled());
        CHECK(all_in(queue) == "1 2");
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a cancelled put that still waits leaves the value with the caller") {
    Queue<std::unique_ptr<int>, 1> queue;
    auto item = std::make_unique<int>(2);
    auto puts = [&]() -> Task<> { std::ignore = co_await queue.put(std::move(item)); };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(std::make_unique<int>(1)));
        auto putter = create_task(puts());
        co_await yield();
        putter.cancel();
        co_await putter.outcome();
        CHECK(putter.cancelled());
        CHECK(item != nullptr);
        CHECK(queue.qsize() == 1);
    };
    run_virtual(main());
}

TEST_CASE("room that was reserved for a cancelled putter goes to the next one, and the value stays with the caller") {
    Log log;
    Queue<std::unique_ptr<int>, 1> queue;
    auto item = std::make_unique<int>(2), other = std::make_unique<int>(3);
    auto puts = [&](std::unique_ptr<int>& value) -> Task<> { std::ignore = co_await queue.put(std::move(value)); };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(nullptr));
        auto a = create_task(puts(item)), b = create_task(puts(other));
        co_await yield();
        CHECK(queue.get_nowait());
        a.cancel();
        co_await b;
        CHECK(a.cancelled());
        CHECK(item != nullptr);
        CHECK(other == nullptr);
    };
    run_virtual(main());
}

TEST_CASE("room that was reserved for a cancelled putter is free if no other putter waits") {
    Log log;
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        auto putter = create_task(put_one(queue, log, 2));
        co_await yield();
        CHECK(queue.get_nowait() == 1);
        putter.cancel();
        co_await putter.outcome();
        CHECK(queue.put_nowait(3));
        CHECK(all_in(queue) == "3");
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a get that times out leaves the items in the queue") {
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        const auto late = co_await try_wait_for(queue.get(), 1s);
        CHECK(late.timed_out());
        CHECK(queue.put_nowait(1));
        const auto put_late = co_await try_wait_for(queue.put(2), 1s);
        CHECK(put_late.timed_out());
        auto in_time = co_await try_wait_for(queue.get(), 0s);
        CHECK(in_time.value() == 1);
        CHECK(queue.empty());
        auto accepted = co_await try_wait_for(queue.put(3), 0s);
        CHECK(accepted.value());
        CHECK(queue.get_nowait() == 3);
    };
    run_virtual(main());
}

TEST_CASE("a get or a put that need not wait and is destroyed before it resumes returns its reservation") {
    Queue<int, 1> queue;
    {
        auto put = queue.put(1);
        CHECK(put.await_ready());
        CHECK(!queue.put_nowait(2));
    }
    CHECK(queue.put_nowait(2));
    {
        auto get = queue.get();
        CHECK(get.await_ready());
        CHECK(queue.get_nowait() == std::nullopt);
    }
    CHECK(queue.get_nowait() == 2);
}

TEST_CASE("waits that lose a select do not change the queues") {
    Queue<int, 1> empty, full;
    Event event;
    auto main = [&]() -> Task<> {
        CHECK(full.put_nowait(1));
        event.set();
        const auto first = co_await select(empty.get(), full.put(2), event.wait());
        CHECK(first.index() == 2);
        CHECK(empty.put_nowait(3));
        CHECK(full.get_nowait() == 1);
        CHECK(full.put_nowait(4));
        const auto second = co_await select(full.put(5), empty.get());
        CHECK(second.index() == 1);
        CHECK(std::get<1>(second) == 3);
        CHECK(all_in(full) == "4");
    };
    run_virtual(main());
}

TEST_CASE("a select of two queues takes from the first that has an item, and leaves the item of the other") {
    Queue<int> a, b;
    auto puts = [&]() -> Task<> {
        co_await sleep(1s);
        CHECK(b.put_nowait(1));
        CHECK(a.put_nowait(2));
    };
    auto main = [&]() -> Task<> {
        create_task(puts());
        const auto first = co_await select(a.get(), b.get());
        CHECK(first.index() == 1);
        CHECK(std::get<1>(first) == 1);
        CHECK(a.get_nowait() == 2);
    };
    run_virtual(main());
}

TEST_CASE("an item that was reserved for a cancelled select goes to the next getter") {
    Log log;
    Queue<int> queue;
    Event event;
    auto selects = [&]() -> Task<> { co_await select(event.wait(), queue.get()); };
    auto main = [&]() -> Task<> {
        auto a = create_task(selects()), b = create_task(get_one(queue, log, "b"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        a.cancel();
        co_await b;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "b1");
}

// ---- closing ----

TEST_CASE("a closed queue refuses puts, and can be drained") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        CHECK(queue.put_nowait(2));
        CHECK(!queue.closed());
        queue.close();
        CHECK(queue.closed());
        CHECK(!queue.put_nowait(3));
        co_await put_one(queue, log, 4);
        CHECK(queue.get_nowait() == 1);
        co_await get_one(queue, log, "a");
        co_await get_one(queue, log, "a");
    };
    run_virtual(main());
    CHECK(log == "refused4 a2 a!");
}

TEST_CASE("close wakes all waiting tasks") {
    Log log;
    Queue<int, 1> queue, full;
    auto main = [&]() -> Task<> {
        CHECK(full.put_nowait(0));
        for (int i = 1; i <= 2; ++i) {
            create_task(get_one(queue, log, "get"));
            create_task(put_one(full, log, i));
        }
        co_await yield();
        queue.close();
        full.close();
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "get! get! refused1 refused2");
}

TEST_CASE("a putter is refused if the queue is closed before the putter takes its room") {
    Log log;
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        auto putter = create_task(put_one(queue, log, 2));
        co_await yield();
        CHECK(queue.get_nowait() == 1);
        queue.close();
        co_await putter;
        CHECK(queue.empty());
    };
    run_virtual(main());
    CHECK(log == "refused2");
}

TEST_CASE("a getter does not find the queue drained while an item is reserved for another getter") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a")), b = create_task(get_one(queue, log, "b")),
             c = create_task(get_one(queue, log, "c"));
        co_await yield();
        CHECK(queue.put_nowait(1)); // reserved for a
        queue.close();
        a.cancel();
        co_await b;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "b1 c!");
}

TEST_CASE("taking the last item of a closed queue wakes the other getters") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        create_task(get_one(queue, log, "a"));
        auto b = create_task(get_one(queue, log, "b")), c = create_task(get_one(queue, log, "c"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        queue.close();
        co_await b;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "a1 b! c!");
}

TEST_CASE("cancelling a getter that was woken by close changes nothing") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        auto a = create_task(get_one(queue, log, "a")), b = create_task(get_one(queue, log, "b"));
        co_await yield();
        queue.close();
        a.cancel();
        co_await b;
        CHECK(a.cancelled());
        co_await get_one(queue, log, "c");
    };
    run_virtual(main());
    CHECK(log == "b! c!");
}

TEST_CASE("cancelling a putter that was about to be refused leaves the value with the caller") {
    Queue<std::unique_ptr<int>, 1> queue;
    auto item = std::make_unique<int>(2);
    auto puts = [&]() -> Task<> { std::ignore = co_await queue.put(std::move(item)); };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(nullptr));
        auto putter = create_task(puts());
        co_await yield();
        queue.close();
        putter.cancel();
        co_await putter.outcome();
        CHECK(putter.cancelled());
        CHECK(item != nullptr);
        CHECK(queue.qsize() == 1);
    };
    run_virtual(main());
}

// ---- join ----

TEST_CASE("join waits until every item has been reported as done") {
    Log log;
    Queue<int> queue;
    auto worker = [&]() -> Task<> {
        while (const auto item = co_await queue.next()) {
            co_await sleep(1s);
            log(*item);
            queue.task_done();
        }
    };
    auto main = [&]() -> Task<> {
        co_await queue.join(); // nothing was put
        for (int i = 1; i <= 3; ++i) CHECK(queue.put_nowait(i));
        create_task(worker());
        co_await queue.join();
        log("done");
        co_await queue.join();
        CHECK(queue.put_nowait(4));
        const auto late = co_await try_wait_for(queue.join(), 500ms);
        CHECK(late.timed_out());
        co_await queue.join();
    };
    run_virtual(main());
    CHECK(log == "1 2 3 done 4");
}

TEST_CASE("an item taken without waiting must be reported as done, too") {
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        CHECK(queue.get_nowait());
        const auto late = co_await try_wait_for(queue.join(), 1s);
        CHECK(late.timed_out());
        queue.task_done();
        co_await queue.join();
    };
    run_virtual(main());
}

TEST_CASE("one task_done too many is a UsageError") {
    CHECK(contains(misuse_of([] {
                       Queue<int> queue;
                       if (!queue.put_nowait(1)) return;
                       queue.task_done();
                       queue.task_done();
                   }),
                   "Queue::task_done: called more often than items were put"));
}

// ---- destruction ----

TEST_CASE("tasks that wait when a queue is destroyed stay suspended until cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto empty = std::make_unique<Queue<int, 1>>(), full = std::make_unique<Queue<int, 1>>();
        CHECK(full->put_nowait(0));
        auto getter = create_task(get_one(*empty, log, "a")), putter = create_task(put_one(*full, log, 1));
        co_await yield();
        empty.reset();
        full.reset();
        co_await sleep(1h);
        CHECK(!getter.done());
        CHECK(!putter.done());
        getter.cancel();
        putter.cancel();
        co_await getter.outcome();
        co_await putter.outcome();
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("tasks that a queue has woken before it is destroyed find it closed") {
    Log log;
    auto main = [&]() -> Task<> {
        auto empty = std::make_unique<Queue<int, 1>>(), full = std::make_unique<Queue<int, 1>>();
        CHECK(full->put_nowait(0));
        auto getter = create_task(get_one(*empty, log, "a")), putter = create_task(put_one(*full, log, 1));
        co_await yield();
        CHECK(empty->put_nowait(1));
        CHECK(full->get_nowait() == 0);
        empty.reset();
        full.reset();
        co_await getter;
        co_await putter;
    };
    run_virtual(main());
    CHECK(log == "a! refused1");
}

TEST_CASE("tasks that a queue has woken before it is destroyed may be cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto queue = std::make_unique<Queue<int, 1>>();
        auto getter = create_task(get_one(*queue, log, "a"));
        co_await yield();
        CHECK(queue->put_nowait(1));
        getter.cancel();
        queue.reset();
        co_await getter.outcome();
        CHECK(getter.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a loop can be destroyed while tasks wait for a queue or have a reservation") {
    Log log;
    Queue<int, 2> queue, full;
    CHECK(full.put_nowait(0));
    CHECK(full.put_nowait(1));
    {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < 3; ++i) {
            loop.create_task(get_one(queue, log, "a"));
            loop.create_task(put_one(full, log, i));
        }
        loop.poll();
        CHECK(queue.put_nowait(1));
        CHECK(full.get_nowait() == 0);
    }
    CHECK(log == "");
    CHECK(all_in(queue) == "1");
    CHECK(all_in(full) == "1");
    CHECK(full.put_nowait(2));
    CHECK(full.put_nowait(3));
}

// ---- overwriting, looking, shutting down ----

TEMPLATE_TEST_CASE("put_overwriting drops the oldest item of a full queue", "", (Queue<int, 3>), Limited<3>) {
    TestType queue;
    for (int i = 1; i <= 5; ++i) CHECK(queue.put_overwriting(i));
    CHECK(queue.size() == 3);
    CHECK(all_in(queue) == "3 4 5");
    CHECK(queue.put_overwriting(6)); // there is room again
    CHECK(queue.size() == 1);
}

TEST_CASE("put_overwriting destroys what it drops") {
    auto first = std::make_shared<int>(1);
    Queue<std::shared_ptr<int>, 1> queue;
    CHECK(queue.put_nowait(first));
    CHECK(queue.put_overwriting(std::make_shared<int>(2)));
    CHECK(first.use_count() == 1);
    CHECK(**queue.peek() == 2);
}

TEST_CASE("put_overwriting is refused by a closed queue, and leaves the value alone") {
    Queue<std::unique_ptr<int>, 1> queue;
    CHECK(queue.put_nowait(std::make_unique<int>(1)));
    queue.close();
    auto value = std::make_unique<int>(2);
    CHECK_FALSE(queue.put_overwriting(std::move(value)));
    CHECK(value != nullptr);
    CHECK(**queue.peek() == 1);
}

TEST_CASE("put_overwriting wakes a consumer, which gets the oldest item that is left") {
    Log log;
    Queue<int, 2> queue;
    auto main = [&]() -> Task<> {
        create_task(get_one(queue, log, "a"));
        create_task(get_one(queue, log, "b"));
        co_await yield();
        for (int i = 1; i <= 4; ++i) CHECK(queue.put_overwriting(i)); // both are woken, and have not run yet
        co_await yield();
        CHECK(queue.empty());
    };
    run_virtual(main());
    CHECK(log == "a3 b4");
}

TEST_CASE("a dropped item counts as processed for join") {
    Log log;
    Queue<int, 1> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_overwriting(1));
        CHECK(queue.put_overwriting(2));
        static_cast<void>(queue.get_nowait());
        queue.task_done();
        co_await queue.join();
        log("joined");
    };
    run_virtual(main());
    CHECK(log == "joined");
}

TEST_CASE("put_overwriting beside a task that waits in put is bad use") {
    CHECK(contains(misuse_of([] {
                       Log log;
                       Queue<int, 1> queue;
                       auto main = [&]() -> Task<> {
                           CHECK(queue.put_nowait(1));
                           create_task(put_one(queue, log, 2));
                           co_await yield();
                           static_cast<void>(queue.put_overwriting(3));
                       };
                       run_virtual(main());
                   }),
                   "rouse: Queue::put_overwriting: the queue is full and a task waits in put(); let all producers "
                   "overwrite, or all wait"));
}

TEMPLATE_TEST_CASE("peek shows the oldest item and leaves it in the queue", "", (Queue<int, 3>), Queue<int>) {
    TestType queue;
    CHECK(queue.peek() == nullptr);
    CHECK(queue.put_nowait(1));
    CHECK(queue.put_nowait(2));
    CHECK(*queue.peek() == 1);
    CHECK(queue.size() == 2);
    CHECK(all_in(queue) == "1 2");
    CHECK(queue.peek() == nullptr);
}

TEST_CASE("peek does not show an item that is reserved for a waiting consumer") {
    Log log;
    Queue<int, 2> queue;
    auto main = [&]() -> Task<> {
        create_task(get_one(queue, log, "a"));
        co_await yield();
        CHECK(queue.put_nowait(1));
        CHECK(queue.peek() == nullptr);
        CHECK(queue.put_nowait(2));
        CHECK(queue.peek() != nullptr);
        co_await yield();
        CHECK(*queue.peek() == 2);
    };
    run_virtual(main());
    CHECK(log == "a1");
}

TEMPLATE_TEST_CASE("shutdown leaves the items to the consumers, as close does", "", (Queue<int, 3>), Queue<int>) {
    TestType queue;
    CHECK(queue.put_nowait(1));
    queue.shutdown();
    CHECK(queue.closed());
    CHECK_FALSE(queue.put_nowait(2));
    CHECK(all_in(queue) == "1");
}

TEMPLATE_TEST_CASE("shutdown(immediate) drops the items and wakes both sides", "", (Queue<int, 2>), Limited<2>) {
    Log log;
    TestType queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        CHECK(queue.put_nowait(2));
        create_task(put_one(queue, log, 3));
        co_await yield();
        queue.shutdown(immediate);
        CHECK(queue.empty());
        co_await yield();
        co_await get_one(queue, log, "a");
    };
    run_virtual(main());
    CHECK(log == "refused3 a!");
}

TEST_CASE("shutdown(immediate) ends the gets that were woken for an item and those that wait") {
    Log log;
    Queue<int, 3> queue;
    auto main = [&]() -> Task<> {
        for (const char* name : {"a", "b", "c"}) create_task(get_one(queue, log, name));
        co_await yield();
        CHECK(queue.put_nowait(1)); // a is woken, and has not run yet
        queue.shutdown(immediate);
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "a! b! c!");
}

TEST_CASE("shutdown(immediate) counts the dropped items as processed, but not those that were taken") {
    Log log;
    Queue<int, 3> queue;
    auto joins = [&]() -> Task<> {
        co_await queue.join();
        log("joined");
    };
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) CHECK(queue.put_nowait(i));
        const auto taken = queue.get_nowait();
        CHECK(taken.has_value());
        create_task(joins());
        queue.shutdown(immediate);
        co_await sleep(1s);
        log("done");
        queue.task_done();
        co_await yield();
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "done joined");
}

TEST_CASE("shutdown(immediate) drops what close has left") {
    Queue<int, 3> queue;
    CHECK(queue.put_nowait(1));
    queue.close();
    CHECK(queue.size() == 1);
    queue.shutdown(immediate);
    CHECK(queue.empty());
}

#if ROUSE_EXCEPTIONS

TEST_CASE("if an item cannot be made, put_overwriting changes nothing") {
    struct Item {
        explicit Item(int n) : number{n} {
            if (n < 0) throw std::runtime_error{"no item"};
        }
        int number;
    };
    Queue<Item, 1> in_itself;
    Queue<Item> on_the_heap{1};
    CHECK(in_itself.put_overwriting(1));
    CHECK(on_the_heap.put_overwriting(1));
    CHECK_THROWS_AS(in_itself.put_overwriting(-1), std::runtime_error);
    CHECK_THROWS_AS(on_the_heap.put_overwriting(-1), std::runtime_error);
    CHECK(in_itself.peek()->number == 1);
    CHECK(on_the_heap.peek()->number == 1);
}

TEST_CASE("get throws QueueClosed when the queue is closed and drained") {
    Log log;
    Queue<int> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        queue.close();
        const int item = co_await queue.get();
        log(item);
        try {
            co_await queue.get();
        } catch (const QueueClosed&) {
            log("closed");
        }
    };
    run_virtual(main());
    CHECK(log == "1 closed");
}

TEST_CASE("a reservation is free as soon as the cancellation is delivered, even if the awaiter lives on") {
    Log log;
    Queue<int, 1> empty, full;
    auto gets = [&]() -> Task<> {
        auto get = empty.get();
        try {
            co_await get;
        } catch (const CancelledError&) {
            log(empty.get_nowait() == 1 ? "item" : "wrong");
        }
    };
    auto puts = [&]() -> Task<> {
        auto put = full.put(3);
        try {
            std::ignore = co_await put;
        } catch (const CancelledError&) {
            log(full.put_nowait(4) ? "room" : "wrong");
        }
    };
    auto main = [&]() -> Task<> {
        CHECK(full.put_nowait(2));
        auto a = create_task(gets()), b = create_task(puts());
        co_await yield();
        CHECK(empty.put_nowait(1));
        CHECK(full.get_nowait() == 2);
        a.cancel();
        b.cancel();
        co_await a;
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "item room");
}

TEST_CASE("an exception while an item is constructed or moved out does not corrupt the queue") {
    Log log;
    Queue<MoveThrows, 1> queue;
    auto puts = [&](int n) -> Task<> {
        MoveThrows item{n};
        if (n < 0) MoveThrows::throws_at = 1;
        try {
            const bool accepted = co_await queue.put(std::move(item));
            log(accepted ? "put" : "refused");
        } catch (int) {
            log("threw");
        }
    };
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(3));
        auto a = create_task(puts(-1)), b = create_task(puts(5));
        co_await yield();
        MoveThrows::throws_at = 1;
        CHECK_THROWS_AS(queue.get_nowait(), int);
        CHECK(queue.size() == 1);
        const auto first = queue.get_nowait();
        CHECK(first->number == 3);
        MoveThrows::throws_at = 1;
        co_await a;
        co_await b;
        const auto last = queue.get_nowait();
        CHECK(last->number == 5);
    };
    run_virtual(main());
    CHECK(log == "threw put");
}

TEST_CASE("an item whose move throws while it is taken stays the oldest, for whichever consumer comes next") {
    REQUIRE(MoveThrows::alive == 0);
    {
        Log log;
        Queue<MoveThrows> queue;
        const auto gets = [](Queue<MoveThrows>& items, Log& got) -> Task<> {
            try {
                const MoveThrows item = co_await items.get();
                got(item.number);
            } catch (int) {
                got("threw");
            }
        };
        const auto nexts = [](Queue<MoveThrows>& items, Log& got) -> Task<> {
            try {
                const auto item = co_await items.next();
                got(item->number);
            } catch (int) {
                got("threw");
            }
        };
        auto main = [&]() -> Task<> {
            auto a = create_task(gets(queue, log)), b = create_task(nexts(queue, log)),
                 c = create_task(gets(queue, log)), d = create_task(nexts(queue, log));
            co_await yield();
            CHECK(queue.put_nowait(1));
            MoveThrows::throws_at = 1; // in a
            co_await yield();
            co_await yield();
            MoveThrows::throws_at = 1; // in c
            CHECK(queue.put_nowait(2));
            co_await c;
            co_await d;
            CHECK(queue.empty());
        };
        run_virtual(main());
        CHECK(log == "threw 1 threw 2");
    }
    CHECK(MoveThrows::alive == 0);
}

TEST_CASE("get moves an item once, so that there is no second move that could lose it") {
    Queue<MoveThrows> queue;
    auto main = [&]() -> Task<> {
        CHECK(queue.put_nowait(1));
        CHECK(queue.put_nowait(2));
        MoveThrows::throws_at = 2;
        const MoveThrows first = co_await queue.get();
        CHECK(first.number == 1);
        MoveThrows::throws_at = 2;
        const auto second = co_await queue.next();
        CHECK(second->number == 2);
        MoveThrows::throws_at = 0;
    };
    run_virtual(main());
}

#else

TEST_CASE("without exceptions get from a closed and drained queue panics and names the alternative") {
    CHECK(contains(misuse_of([] {
                       Queue<int> queue;
                       queue.close();
                       auto main = [&]() -> Task<> { co_await queue.get(); };
                       run_virtual(main());
                   }),
                   "use next()"));
}

#endif
