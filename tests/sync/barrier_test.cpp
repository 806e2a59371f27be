#include <rouse/sync/barrier.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// Logs its name and its place, or "n!" if it is sent away.
Task<> come(Barrier& barrier, Log& log, std::string name) {
    const auto place = co_await barrier.wait_outcome();
    log(place ? name + std::to_string(*place) : name + "!");
}

constinit Barrier made_before_main{2};

} // namespace

TEST_CASE("all go on when the last has come, in the order in which they came") {
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

TEST_CASE("wait returns the place of one that had to wait") {
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

TEST_CASE("a barrier of one party makes nobody wait") {
    Barrier barrier{1};
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const auto place = co_await barrier.wait();
            CHECK(place == 0);
        }
    };
    run_virtual(main());
}

TEST_CASE("who comes while the last round has not yet gone on belongs to the next round") {
    Log log;
    Barrier barrier{2};
    auto main = [&]() -> Task<> {
        create_task(come(barrier, log, "a"));
        co_await yield();
        const auto place = co_await barrier.wait(); // a is ready, and has not run
        CHECK(place == 1);
        create_task(come(barrier, log, "b"));
        const auto next = co_await barrier.wait();
        CHECK(next == 0);
    };
    run_virtual(main());
    CHECK(log == "a0 b1");
}

TEST_CASE("a barrier serves round after round") {
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

TEST_CASE("a task that is cancelled while it waits leaves at once, and another has to come") {
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

TEST_CASE("a task that is cancelled when the round is full already does not touch the others") {
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

TEST_CASE("a wait at a barrier that is given up when its time is up leaves") {
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

TEST_CASE("a wait at a barrier that loses a select leaves") {
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

TEST_CASE("abort sends away those who wait, and all who come until reset") {
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

TEST_CASE("reset sends away those who wait, and the barrier is as new") {
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

TEST_CASE("a round that is full has passed, whatever is done to the barrier before its tasks run") {
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

TEST_CASE("a barrier that goes while tasks wait leaves them waiting until they are cancelled") {
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

TEST_CASE("a barrier may go before those of a full round have gone on") {
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

TEST_CASE("a barrier without parties is a clear error") {
    CHECK(contains(misuse_of([] { Barrier{0}; }), "Barrier: a barrier must have at least one party"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("wait throws BrokenBarrierError at a broken barrier, and when the barrier is broken meanwhile") {
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

TEST_CASE("wait at a broken barrier panics where exceptions are off, and says what to use") {
    CHECK(contains(misuse_of([] {
                       Barrier barrier{2};
                       barrier.abort();
                       auto main = [&]() -> Task<> { co_await barrier.wait(); };
                       run_virtual(main());
                   }),
                   "use wait_outcome()"));
}

#endif
