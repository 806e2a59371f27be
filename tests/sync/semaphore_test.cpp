#include <rouse/sync/semaphore.hpp>

#include <cstddef>
#include <limits>
#include <memory>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> use(Semaphore& semaphore, Log& log, int n) {
    co_await semaphore.acquire();
    log(n);
    co_await sleep(10ms);
    log(-n);
    semaphore.release();
}

constinit Semaphore made_before_main{2};
constinit BoundedSemaphore bounded_made_before_main{2};

} // namespace

TEST_CASE("as many tasks as there are permits continue at once, the others in order") {
    Log log;
    Semaphore semaphore{2};
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 4; ++i) create_task(use(semaphore, log, i));
        co_await sleep(1s);
        CHECK(!semaphore.locked());
    };
    run_virtual(main());
    CHECK(log == "1 2 -1 -2 3 4 -3 -4");
}

TEST_CASE("a semaphore is locked when no permit is left") {
    auto main = []() -> Task<> {
        CHECK(!made_before_main.locked());
        co_await made_before_main.acquire();
        CHECK(!made_before_main.locked());
        co_await made_before_main.acquire();
        CHECK(made_before_main.locked());
        made_before_main.release();
        CHECK(!made_before_main.locked());
        made_before_main.release();
    };
    run_virtual(main());
}

TEST_CASE("a semaphore has one permit by default, and may begin with none") {
    Log log;
    Semaphore one, none{0};
    CHECK(!one.locked());
    CHECK(none.locked());
    auto main = [&]() -> Task<> {
        auto task = create_task(use(none, log, 1));
        co_await sleep(1s);
        log("release");
        none.release();
        co_await task;
    };
    run_virtual(main());
    CHECK(log == "release 1 -1");
}

TEST_CASE("the permits of a semaphore do not wrap around") {
    Semaphore semaphore{std::numeric_limits<std::size_t>::max()};
    semaphore.release();
    CHECK(!semaphore.locked());
}

TEST_CASE("a semaphore can be released more often than it was acquired, and then has more permits") {
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        semaphore.release();
        semaphore.release();
        co_await semaphore.acquire();
        co_await semaphore.acquire();
        CHECK(semaphore.locked());
    };
    run_virtual(main());
}

TEST_CASE("no task can take a permit that is reserved for a waiting task") {
    Log log;
    Semaphore semaphore;
    auto main = [&]() -> Task<> {
        co_await semaphore.acquire();
        auto waiter = create_task(use(semaphore, log, 1));
        co_await yield();
        semaphore.release();
        CHECK(semaphore.locked());
        co_await semaphore.acquire(); // queues after the waiter
        log("main");
        semaphore.release();
        co_await waiter;
    };
    run_virtual(main());
    CHECK(log == "1 -1 main");
}

TEST_CASE("several permits that are released at once go to as many waiting tasks") {
    Log log;
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 3; ++i) create_task(use(semaphore, log, i));
        co_await yield();
        semaphore.release();
        semaphore.release();
        co_await yield();
        log("rest");
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "1 2 rest -1 -2 3 -3");
}

TEST_CASE("a cancelled acquire of a permit that still waits leaves the queue") {
    Log log;
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        auto a = create_task(use(semaphore, log, 1)), b = create_task(use(semaphore, log, 2));
        co_await yield();
        a.cancel();
        semaphore.release(); // grants it to b, although a has not run yet
        co_await b;
        CHECK(a.cancelled());
        co_await semaphore.acquire();
        CHECK(semaphore.locked());
    };
    run_virtual(main());
    CHECK(log == "2 -2");
}

TEST_CASE("a cancelled acquire passes on the permit that was reserved for it") {
    Log log;
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        auto a = create_task(use(semaphore, log, 1)), b = create_task(use(semaphore, log, 2));
        co_await yield();
        semaphore.release(); // grants it to a
        CHECK(a.cancel());
        co_await b;
        CHECK(a.cancelled());
        CHECK(!semaphore.locked());
    };
    run_virtual(main());
    CHECK(log == "2 -2");
}

TEST_CASE("a permit that was reserved for a cancelled task is free if no other task waits") {
    Log log;
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        auto a = create_task(use(semaphore, log, 1));
        co_await yield();
        semaphore.release();
        a.cancel();
        co_await a.outcome();
        CHECK(!semaphore.locked());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("an acquire that times out takes no permit") {
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        const auto late = co_await try_wait_for(semaphore.acquire(), 1s);
        CHECK(late.timed_out());
        semaphore.release();
        CHECK(!semaphore.locked());
        const auto in_time = co_await try_wait_for(semaphore.acquire(), 0s);
        CHECK(in_time.has_value());
        CHECK(semaphore.locked());
    };
    run_virtual(main());
}

TEST_CASE("a permit that is reserved before the deadline is acquired") {
    Semaphore semaphore{0};
    auto releases_at_one = [&]() -> Task<> {
        co_await sleep(1s);
        semaphore.release();
    };
    auto main = [&]() -> Task<> {
        create_task(releases_at_one());
        co_await yield();
        const auto outcome = co_await try_wait_for(semaphore.acquire(), 2s);
        CHECK(outcome.has_value());
        CHECK(semaphore.locked());
    };
    run_virtual(main());
}

TEST_CASE("a Guard releases its permit at the end of the scope, or before") {
    Semaphore semaphore;
    auto main = [&]() -> Task<> {
        {
            auto guard = co_await semaphore.scoped();
            CHECK(semaphore.locked());
        }
        CHECK(!semaphore.locked());
        auto guard = co_await semaphore.scoped();
        guard.release();
        CHECK(!semaphore.locked());
        guard.release();
        co_await semaphore.acquire();
        CHECK(semaphore.locked()); // released only once
    };
    run_virtual(main());
}

TEST_CASE("a task that is cancelled while it holds a scoped permit returns it") {
    Semaphore semaphore;
    auto holder = [&]() -> Task<> {
        auto guard = co_await semaphore.scoped();
        co_await sleep(1h);
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(holder());
        co_await yield();
        CHECK(semaphore.locked());
        handle.cancel();
        co_await handle.outcome();
        CHECK(!semaphore.locked());
    };
    run_virtual(main());
}

TEST_CASE("an acquire that was granted without waiting and is destroyed before it resumes returns the permit") {
    Semaphore semaphore;
    {
        auto acquire = semaphore.acquire();
        CHECK(acquire.await_ready());
        CHECK(semaphore.locked());
    }
    CHECK(!semaphore.locked());
}

TEST_CASE("an acquire that loses a select takes nothing, and one that wins has the permit") {
    Event event;
    Semaphore semaphore{0};
    auto main = [&]() -> Task<> {
        event.set();
        const auto first = co_await select(semaphore.acquire(), event.wait());
        CHECK(first.index() == 1);
        semaphore.release();
        CHECK(!semaphore.locked());
        const auto second = co_await select(semaphore.acquire(), event.wait());
        CHECK(second.index() == 0);
        CHECK(semaphore.locked());
    };
    run_virtual(main());
}

TEST_CASE("a permit that was reserved for a cancelled select goes to the next task") {
    Log log;
    Event event;
    Semaphore semaphore{0};
    auto selects = [&]() -> Task<> {
        co_await select(event.wait(), semaphore.acquire());
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(selects()), b = create_task(use(semaphore, log, 2));
        co_await yield();
        semaphore.release();
        a.cancel();
        co_await b;
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "2 -2");
}

TEST_CASE("tasks that wait when a semaphore is destroyed stay suspended until cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto semaphore = std::make_unique<Semaphore>(0);
        auto handle = create_task(use(*semaphore, log, 1));
        co_await yield();
        semaphore.reset();
        co_await sleep(1h);
        CHECK(!handle.done());
        handle.cancel();
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a semaphore may be destroyed before a task with a reserved permit is cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto semaphore = std::make_unique<Semaphore>(0);
        auto handle = create_task(use(*semaphore, log, 1));
        co_await yield();
        semaphore->release();
        handle.cancel();
        semaphore.reset();
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a loop can be destroyed while tasks wait for a semaphore or have a reserved permit") {
    Log log;
    Semaphore semaphore{0};
    auto acquire = [&]() -> Task<> {
        const Mark mark{log, "gone"};
        co_await semaphore.acquire();
        log("wrong");
    };
    {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < 3; ++i) loop.create_task(acquire());
        loop.poll();
        semaphore.release();
    }
    CHECK(log == "gone gone gone");
    CHECK(!semaphore.locked());
}

TEST_CASE("releasing a bounded semaphore above its initial number is a UsageError") {
    CHECK(contains(misuse_of([] { bounded_made_before_main.release(); }),
                   "BoundedSemaphore::release: all permits are free already; release only what was acquired"));
    CHECK(contains(misuse_of([] { BoundedSemaphore{0}.release(); }), "BoundedSemaphore::release"));
}

TEST_CASE("a bounded semaphore otherwise behaves like a semaphore") {
    Log log;
    BoundedSemaphore semaphore{1};
    auto user = [&](int n) -> Task<> {
        co_await semaphore.acquire();
        log(n);
        co_await sleep(10ms);
        semaphore.release();
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(user(1)), b = create_task(user(2)), c = create_task(user(3));
        co_await yield();
        CHECK(semaphore.locked());
        b.cancel();
        co_await c;
        CHECK(!semaphore.locked());
        const auto guard = co_await semaphore.scoped();
        CHECK(semaphore.locked());
    };
    run_virtual(main());
    CHECK(log == "1 3");
    CHECK(!semaphore.locked());
}

TEST_CASE("a semaphore that is destroyed between the grant and the resumption leaves an empty Guard") {
    auto main = []() -> Task<> {
        auto semaphore = std::make_unique<Semaphore>(std::size_t{0});
        auto scoped = [](Semaphore& of) -> Task<> { const auto guard = co_await of.scoped(); };
        const auto task = create_task(scoped(*semaphore));
        co_await yield();
        semaphore->release();
        semaphore.reset();
        co_await task;
    };
    run_virtual(main());
}
