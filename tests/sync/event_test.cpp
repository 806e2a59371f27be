#include <rouse/sync/event.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<> wait_for(Event& event, Log& log, int n) {
    co_await event.wait();
    log(n);
}

} // namespace

TEST_CASE("tasks that wait for an event resume in the order in which they began to wait") {
    Log log;
    Event event;
    auto main = [&]() -> Task<> {
        for (int i = 1; i <= 5; ++i) create_task(wait_for(event, log, i));
        co_await sleep(1s);
        log("set");
        event.set();
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "set 1 2 3 4 5");
}

TEST_CASE("waiting for a set event returns at once, until the event is cleared") {
    Log log;
    Event event;
    auto main = [&]() -> Task<> {
        event.set();
        CHECK(event.is_set());
        co_await event.wait();
        co_await event.wait();
        event.clear();
        CHECK(!event.is_set());
        auto handle = create_task(wait_for(event, log, 1));
        co_await sleep(1s);
        CHECK(!handle.done());
        event.set();
        co_await handle;
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("a task that was woken resumes even if the event is cleared before it runs") {
    Log log;
    Event event;
    auto main = [&]() -> Task<> {
        auto handle = create_task(wait_for(event, log, 1));
        co_await yield();
        event.set();
        event.clear();
        co_await handle;
        CHECK(!event.is_set());
    };
    run_virtual(main());
    CHECK(log == "1");
}

TEST_CASE("a cancelled wait affects neither the other waits nor the event") {
    Log log;
    Event event;
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_for(event, log, 1)), b = create_task(wait_for(event, log, 2)),
             c = create_task(wait_for(event, log, 3));
        co_await yield();
        b.cancel();
        co_await b.outcome();
        CHECK(!event.is_set());
        event.set();
        co_await a;
        co_await c;
    };
    run_virtual(main());
    CHECK(log == "1 3");
}

TEST_CASE("a cancellation takes precedence over a set that has just happened, and the event stays set") {
    Log log;
    Event event;
    auto main = [&]() -> Task<> {
        auto a = create_task(wait_for(event, log, 1));
        co_await yield();
        event.set();
        CHECK(a.cancel());
        co_await a.outcome();
        CHECK(a.cancelled());
        CHECK(event.is_set());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("tasks that wait when an event is destroyed stay suspended until cancelled") {
    Log log;
    auto main = [&]() -> Task<> {
        TaskHandle<> handle;
        {
            Event event;
            handle = create_task(wait_for(event, log, 1));
            co_await yield();
        }
        co_await sleep(1h);
        CHECK(!handle.done());
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
    CHECK(log == "");
}
