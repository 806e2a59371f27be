#include <rouse/sync/barrier.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Logs its name and its order of arrival, or "name!" if the wait fails.
Task<> come(Barrier& barrier, Log& log, std::string name) {
    const auto place = co_await barrier.wait_outcome();
    log(place ? name + std::to_string(*place) : name + "!");
}

constinit Barrier made_before_main{2};

} // namespace

TEST_CASE("all tasks continue when the last party arrives, in the order of arrival") {
    Log log;
    Barrier barrier{3};
    CHECK(barrier.parties() == 3);
    auto main = [&]() -> Task<> {
        create_task(come(barrier, log, "a"));
        create_task(come(barrier, log, "b"));
        co_await sleep(1s);
        CHECK(barrier.n_waiting() == 2);
        log("last");
        const auto place = co_await barrier.wait();
        CHECK(place == 2);
        CHECK(barrier.n_waiting() == 0);
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "last a0 b1");
}

TEST_CASE("wait returns the order of arrival") {
    auto waits = []() -> Task<std::size_t> {
        const auto place = co_await made_before_main.wait();
        co_return place;
    };
    auto main = [&]() -> Task<> {
        auto first = create_task(waits()), second = create_task(waits());
        const auto a = co_await first;
        const auto b = co_await second;
        CHECK(a == 0);
        CHECK(b == 1);
    };
    run_virtual(main());
}

TEST_CASE("trigger arrives without waiting, and the others continue when all have arrived") {
    Log log;
    Barrier barrier{3};
    auto main = [&]() -> Task<> {
        CHECK_FALSE(barrier.busy());
        CHECK_FALSE(barrier.trigger());
        CHECK(barrier.busy());
        CHECK(barrier.n_waiting() == 0);
        create_task(come(barrier, log, "a"));
        co_await sleep(1s);
        CHECK(log == "");
        co_await come(barrier, log, "b");
        co_await yield();
        CHECK_FALSE(barrier.busy());
    };
    run_virtual(main());
    CHECK(log == "b2 a0");
}

TEST_CASE("trigger by the last party completes the round, and the barrier can be used again") {
    Log log;
    Barrier barrier{3};
    auto main = [&]() -> Task<> {
        for (int round = 0; round < 2; ++round) {
            create_task(come(barrier, log, "a"));
            create_task(come(barrier, log, "b"));
            co_await yield();
            CHECK(barrier.trigger());
            log("last");
            co_await yield();
        }
    };
    run_virtual(main());
    CHECK(log == "last a0 b1 last a0 b1");
}

TEST_CASE("a barrier can be passed by trigger alone") {
    Barrier barrier{2};
    CHECK_FALSE(barrier.trigger());
    CHECK(barrier.trigger());
    CHECK_FALSE(barrier.busy());
    CHECK_FALSE(barrier.trigger());
}

TEST_CASE("reset and abort forget the parties that have triggered") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        CHECK_FALSE(barrier.trigger());
        barrier.reset();
        CHECK_FALSE(barrier.busy());
        CHECK_FALSE(barrier.trigger());
        barrier.abort();
        CHECK_FALSE(barrier.trigger()); // does nothing
        barrier.reset();
        create_task(come(barrier, log, "a"));
        co_await yield();
        CHECK(log == "");
        CHECK(barrier.trigger());
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "a0");
}

TEST_CASE("a barrier of one party never suspends a task") {
    Barrier barrier{1};
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const auto place = co_await barrier.wait();
            CHECK(place == 0);
        }
    };
    run_virtual(main());
}

TEST_CASE("a task that arrives before the tasks of a complete round have run belongs to the next round") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        create_task(come(barrier, log, "a"));
        co_await yield();
        const auto place = co_await barrier.wait(); // a is ready and has not run yet
        CHECK(place == 1);
        create_task(come(barrier, log, "b"));
        const auto next = co_await barrier.wait();
        CHECK(next == 0);
    };
    run_virtual(main());
    CHECK(log == "a0 b1");
}

TEST_CASE("a barrier can be used for many rounds") {
    Log log;
    Barrier barrier{2};
    auto rounds = [&](std::string name) -> Task<> {
        for (int i = 0; i < 3; ++i) co_await come(barrier, log, name);
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(rounds("a")), b = create_task(rounds("b"));
        co_await a;
        co_await b;
    };
    run_virtual(main());
    CHECK(log == "b1 a0 a1 b0 b1 a0");
}

TEST_CASE("a task that is cancelled while it waits no longer counts, and another one has to arrive") {
    Log log;
    Barrier barrier{3};
    auto main = [&]() -> Task<> {
        auto a = create_task(come(barrier, log, "a")), b = create_task(come(barrier, log, "b"));
        co_await yield();
        a.cancel();
        CHECK(barrier.n_waiting() == 1); // although a has not run yet
        auto c = create_task(come(barrier, log, "c"));
        co_await sleep(1s);
        CHECK(a.cancelled());
        CHECK(!b.done());
        const auto place = co_await barrier.wait();
        CHECK(place == 2);
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "b0 c1");
}

TEST_CASE("cancelling a task of a complete round does not affect the others") {
    Log log;
    Barrier barrier{3};
    auto main = [&]() -> Task<> {
        auto a = create_task(come(barrier, log, "a")), b = create_task(come(barrier, log, "b"));
        co_await yield();
        co_await barrier.wait();
        CHECK(a.cancel());
        co_await b;
        CHECK(a.cancelled());
        CHECK(barrier.n_waiting() == 0);
    };
    run_virtual(main());
    CHECK(log == "b1");
}

TEST_CASE("a wait at a barrier that times out no longer counts") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        const auto late = co_await try_wait_for(barrier.wait(), 1s);
        CHECK(late.timed_out());
        CHECK(barrier.n_waiting() == 0);
        auto a = create_task(come(barrier, log, "a"));
        co_await sleep(1s);
        CHECK(!a.done());
        const auto in_time = co_await try_wait_for(barrier.wait_outcome(), 1s);
        CHECK(in_time.has_value());
        co_await a;
    };
    run_virtual(main());
    CHECK(log == "a0");
}

TEST_CASE("a wait at a barrier that loses a select no longer counts") {
    Barrier barrier{2};
    Event event;
    auto sets = [&]() -> Task<> {
        co_await sleep(1s);
        CHECK(barrier.n_waiting() == 1);
        event.set();
        CHECK(barrier.n_waiting() == 0);
    };
    auto main = [&]() -> Task<> {
        create_task(sets());
        const auto first = co_await select(barrier.wait(), event.wait());
        CHECK(first.index() == 1);
    };
    run_virtual(main());
}

TEST_CASE("abort fails the current waits, and later ones until reset") {
    Log log;
    Barrier barrier{3};
    auto main = [&]() -> Task<> {
        auto a = create_task(come(barrier, log, "a")), b = create_task(come(barrier, log, "b"));
        co_await yield();
        CHECK(!barrier.broken());
        barrier.abort();
        CHECK(barrier.broken());
        CHECK(barrier.n_waiting() == 0);
        co_await a;
        co_await b;
        co_await come(barrier, log, "c");
        barrier.reset();
        CHECK(!barrier.broken());
        auto d = create_task(come(barrier, log, "d"));
        co_await sleep(1s);
        CHECK(!d.done());
    };
    run_virtual(main());
    CHECK(log == "a! b! c!");
}

TEST_CASE("reset fails the current waits, and the barrier can be used again") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        auto a = create_task(come(barrier, log, "a"));
        co_await yield();
        barrier.reset();
        CHECK(!barrier.broken());
        auto b = create_task(come(barrier, log, "b")), c = create_task(come(barrier, log, "c"));
        co_await b;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "a! c1 b0");
}

TEST_CASE("reset and abort do not affect a complete round whose tasks have not run yet") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        auto a = create_task(come(barrier, log, "a"));
        co_await yield();
        co_await barrier.wait();
        barrier.abort();
        co_await a;
    };
    run_virtual(main());
    CHECK(log == "a0");
}

TEST_CASE("tasks that wait when a barrier is destroyed stay suspended until cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        auto barrier = std::make_unique<Barrier>(2);
        auto a = create_task(come(*barrier, log, "a"));
        co_await yield();
        barrier.reset();
        co_await sleep(1h);
        CHECK(!a.done());
        a.cancel();
        co_await a.outcome();
        CHECK(a.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a barrier may be destroyed before the tasks of a complete round have run") {
    Log log;
    auto main = [&]() -> Task<> {
        auto barrier = std::make_unique<Barrier>(2);
        auto a = create_task(come(*barrier, log, "a"));
        co_await yield();
        co_await barrier->wait();
        barrier.reset();
        co_await a;
    };
    run_virtual(main());
    CHECK(log == "a0");
}

TEST_CASE("a loop can be destroyed while tasks wait at a barrier") {
    Log log;
    Barrier barrier{4};
    {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < 3; ++i) loop.create_task(come(barrier, log, "a"));
        loop.poll();
        CHECK(barrier.n_waiting() == 3);
    }
    CHECK(barrier.n_waiting() == 0);
    CHECK(log == "");
}

TEST_CASE("a barrier without parties is a UsageError") {
    CHECK(contains(misuse_of([] { Barrier{0}; }), "Barrier: a barrier must have at least one party"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("wait throws BrokenBarrierError if the barrier is broken before or during the wait") {
    Log log;
    Barrier barrier{2};
    auto waits = [&]() -> Task<> {
        try {
            co_await barrier.wait();
        } catch (const std::exception& error) {
            log(dynamic_cast<const BrokenBarrierError*>(&error) != nullptr ? error.what() : "wrong");
        }
    };
    auto main = [&]() -> Task<> {
        auto a = create_task(waits());
        co_await yield();
        barrier.abort();
        co_await a;
        co_await waits();
    };
    run_virtual(main());
    CHECK(log == "rouse: the barrier is broken or was reset rouse: the barrier is broken or was reset");
}

#else

TEST_CASE("without exceptions wait at a broken barrier panics and names the alternative") {
    CHECK(contains(misuse_of([] {
                       Barrier barrier{2};
                       barrier.abort();
                       auto main = [&]() -> Task<> { co_await barrier.wait(); };
                       run_virtual(main());
                   }),
                   "use wait_outcome()"));
}

#endif
