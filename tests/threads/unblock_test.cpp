#include <rouse/threads/unblock.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"
#include "threads/gate.hpp"

using namespace test;

TEST_CASE("unblock: a function runs on a thread of its own, and its value, or its exception, comes back") {
    run([]() -> Task<> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await unblock([] { return std::this_thread::get_id(); });
        CHECK(there != here);
        const int sum =
            co_await unblock([](int a, std::unique_ptr<int> b) { return a + *b; }, 1, std::make_unique<int>(2));
        CHECK(sum == 3);
#if ROUSE_EXCEPTIONS
        std::string caught;
        try {
            co_await unblock([] { throw std::runtime_error{"refused"}; });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        CHECK(caught == "refused");
#endif
    }());
}

TEST_CASE("unblock: many at once, while the loop goes on") {
    Gate gate;
    run([](Gate& g) -> Task<> {
        const auto wait = [](Gate& each) -> Task<> { co_await unblock([&each] { each.pass(); }); };
        std::vector<TaskHandle<>> all;
        for (int i = 0; i < 8; ++i) all.push_back(create_task(wait(g)));
        while (g.reached() < 8) co_await sleep(1ms);
        g.open();
        for (auto& task : all) co_await task;
    }(gate));
}

TEST_CASE("unblock: when its task is cancelled, or its loop ends, the function runs on unheard") {
    auto gate = std::make_shared<Gate>();
    auto result = std::make_shared<int>(7);
    {
        DefaultPort port;
        Loop loop{port};
        const auto task = loop.create_task([](std::shared_ptr<Gate> g, std::shared_ptr<int> r) -> Task<> {
            const auto function = [g, r] { // named: g++ 12 destroys one inside of a co_await expression twice
                g->pass();
                return r;
            };
            co_await unblock(function);
        }(gate, result));
        loop.run([](TaskHandle<> waiting, Gate& g) -> Task<> {
            while (g.reached() == 0) co_await sleep(1ms);
            waiting.cancel();
            const auto outcome = co_await waiting.outcome();
            CHECK(outcome.cancelled());
        }(task, *gate));
    }
    CHECK(result.use_count() > 1);
    gate->open();
    while (result.use_count() > 1) std::this_thread::yield(); // until its thread has dropped what it gave
}

TEST_CASE("unblock moves a result that only claims to be copyable") {
    const int sum = run([]() -> Task<int> {
        auto pointers = co_await unblock(&pointers_to, 1);
        auto holds = co_await unblock(&make<HoldsPointers>, 2);
        co_return number_in(pointers) + number_in(holds);
    }());
    CHECK(sum == 3);
}

TEST_CASE("unblock returns the result of a function that returns a const object") {
    const std::string word = run([]() -> Task<std::string> {
        const auto constant = []() -> const std::string { return "const"; };
        co_return co_await unblock(constant);
    }());
    CHECK(word == "const");
}

TEST_CASE("unblock destroys arguments and results that have their own operator&") {
    REQUIRE(Addressless::alive == 0);
    {
        const int sum = run([]() -> Task<int> {
            const Addressless argument{3};
            const auto doubled = [](Addressless value) { return Addressless{2 * value.number}; };
            const Addressless result = co_await unblock(doubled, argument);
            co_return argument.number + result.number;
        }());
        CHECK(sum == 9);
    }
    CHECK(Addressless::alive == 0);
}
