#include <rouse/core/on_cancel.hpp>

#include <stdexcept>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("on_cancel runs only when its scope ends by a cancellation") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto outer = on_cancel([&] { log("outer"); });
        {
            const auto finished = on_cancel([&] { log("wrong"); });
            co_await yield();
        }
        const auto inner = on_cancel([&] { log("inner"); });
        co_await sleep(1h);
    };
    auto quick = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("wrong"); });
        co_await yield();
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await create_task(quick());
        co_await sleep(1s);
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
    CHECK(log == "inner outer");
}

TEST_CASE("guards run innermost first, across the frames of a task") {
    Log log;
    auto inner = [&]() -> Task<> {
        const auto first = on_cancel([&] { log("inner-1"); });
        const auto second = on_cancel([&] { log("inner-2"); });
        co_await sleep(1h);
    };
    auto outer = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("outer"); });
        co_await inner();
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(outer());
        co_await yield();
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
    CHECK(log == "inner-2 inner-1 outer");
}

TEST_CASE("a guard runs when the frames of its task are destroyed with the loop") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("guard"); });
        co_await sleep(1h);
    };
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(worker());
        loop.poll();
        CHECK(log == "");
    }
    CHECK(log == "guard");
}

TEST_CASE("a task that was cancelled before it began has no guards to run") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("wrong"); });
        co_await yield();
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        handle.cancel();
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a guard outside of a task never runs") {
    Log log;
    {
        const auto nowhere = on_cancel([&] { log("wrong"); });
    }
    VirtualTimePort port;
    Loop loop{port};
    {
        const auto beside_a_loop = on_cancel([&] { log("wrong"); });
    }
    CHECK(log == "");
}

#if ROUSE_EXCEPTIONS

TEST_CASE("a guard does not run when its scope ends by another exception") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("wrong"); });
        co_await yield();
        throw std::runtime_error{"something else"};
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        const auto outcome = co_await handle.outcome();
        CHECK(outcome.error() != nullptr);
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("when a cancellation is caught, the guards inside of the try run and those outside do not") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto outside = on_cancel([&] { log("wrong"); });
        try {
            const auto inside = on_cancel([&] { log("inside"); });
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("caught");
        }
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        handle.cancel();
        co_await handle.outcome();
        CHECK(!handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "inside caught");
}

TEST_CASE("an exception after a cancellation that was caught and cleaned up is not a cancellation") {
    Log log;
    auto worker = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("wrong"); });
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("caught");
        }
        co_await yield();
        throw std::runtime_error{"something else"};
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        co_await yield();
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
    CHECK(log == "caught");
}

TEST_CASE("awaiting a task that was cancelled runs the guards of the awaiter") {
    Log log;
    auto worker = []() -> Task<> { co_await sleep(1h); };
    auto awaits = [&](TaskHandle<> handle) -> Task<> {
        const auto guard = on_cancel([&] { log("awaiter"); });
        co_await handle;
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(worker());
        auto awaiter = create_task(awaits(handle));
        co_await yield();
        handle.cancel();
        co_await awaiter.outcome();
    };
    run_virtual(main());
    CHECK(log == "awaiter");
}

#endif
