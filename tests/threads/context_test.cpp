#include <rouse/threads/context.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"
#include "threads/gate.hpp"

using namespace test;

namespace {

// Counts the objects that are alive, on whatever thread they end.
struct Counted {
    static inline std::atomic<int> alive{0};
    Counted() { ++alive; }
    Counted(const Counted&) { ++alive; }
    Counted(Counted&&) noexcept { ++alive; }
    ~Counted() { --alive; }
};

Task<> pass_gate(Context& context, Gate& gate) {
    co_await context.assign([&gate] { gate.pass(); });
}

// Goes round until the functions wait for a thread.
Task<> until_waiting(Context& context, std::size_t count) {
    while (context.waiting() < count) co_await sleep(1ms);
}

} // namespace

TEST_CASE("Context: a function runs on another thread, and what it returns comes back") {
    Context context;
    CHECK(context.threads() == 1);
    run([](Context& c) -> Task<> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await c.assign([] { return std::this_thread::get_id(); });
        CHECK(there != here);
        const std::string text = co_await c.assign([](std::string a, int n) { return a + std::to_string(n); }, "x", 7);
        CHECK(text == "x7");
        co_await c.assign([] {});
        auto moved = co_await c.assign([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(5));
        CHECK(*moved == 5);
        int changed = 0;
        int& same = co_await c.assign([](int& n) -> int& { return ++n, n; }, std::ref(changed));
        CHECK(&same == &changed);
        CHECK(changed == 1);
    }(context));
}

#if ROUSE_EXCEPTIONS
TEST_CASE("Context: what a function throws comes back") {
    Context context;
    run([](Context& c) -> Task<> {
        std::string caught;
        try {
            co_await c.assign([]() -> int { throw std::runtime_error{"no disk"}; });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        CHECK(caught == "no disk");
        const int after = co_await c.assign([] { return 3; });
        CHECK(after == 3); // the thread goes on
    }(context));
}
#endif

TEST_CASE("Context: other tasks go on while a function blocks") {
    Gate gate; // outlives the threads
    Context context;
    run([](Context& c, Gate& g) -> Task<> {
        const auto blocked = create_task(pass_gate(c, g));
        int turns = 0;
        while (g.reached() == 0) {
            co_await sleep(1ms);
            ++turns;
        }
        CHECK(turns > 0);
        CHECK(!blocked.done());
        g.open();
        co_await blocked;
    }(context, gate));
}

TEST_CASE("Context: one thread runs functions one by one and in order, several at once") {
    std::vector<int> order;
    {
        Context context{1, 100};
        run([](Context& c, std::vector<int>& log) -> Task<> {
            std::vector<TaskHandle<>> all;
            for (int i = 0; i < 50; ++i)
                all.push_back(create_task([](Context& each, std::vector<int>& l, int n) -> Task<> {
                    co_await each.assign([&l, n] { l.push_back(n); });
                }(c, log, i)));
            for (auto& task : all) co_await task;
        }(context, order));
    }
    REQUIRE(order.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(order[std::size_t(i)] == i);

    Gate gate;
    Context three{3};
    run([](Context& c, Gate& g) -> Task<> {
        for (int i = 0; i < 3; ++i) create_task(pass_gate(c, g));
        while (g.reached() < 3) co_await sleep(1ms); // all at once, or this hangs
        g.open();
    }(three, gate));
}

TEST_CASE("Context: when no more may wait, assign waits for room, first come, first served") {
    Gate gate;
    std::vector<int> order;
    Context context{1, 2};
    run([](Context& c, Gate& g, std::vector<int>& log) -> Task<> {
        create_task(pass_gate(c, g));
        while (g.reached() == 0) co_await sleep(1ms);
        std::vector<TaskHandle<>> all;
        for (int i = 0; i < 6; ++i)
            all.push_back(create_task([](Context& each, std::vector<int>& l, int n) -> Task<> {
                co_await each.assign([&l, n] { l.push_back(n); });
            }(c, log, i)));
        co_await until_waiting(c, 2);
        co_await sleep(5ms);
        CHECK(c.waiting() == 2);
        g.open();
        for (auto& task : all) co_await task;
    }(context, gate, order));
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("Context: a job whose waiter is cancelled runs on, and its result is dropped") {
    Counted::alive = 0;
    std::atomic<bool> ran{false};
    {
        Gate gate;
        Context context;
        run([](Context& c, Gate& g, std::atomic<bool>& r) -> Task<> {
            const auto task = create_task([](Context& each, Gate& gg, std::atomic<bool>& rr) -> Task<> {
                co_await each.assign([&gg, &rr] {
                    gg.pass();
                    rr = true;
                    return Counted{};
                });
            }(c, g, r));
            while (g.reached() == 0) co_await sleep(1ms);
            task.cancel();
            const auto outcome = co_await task.outcome();
            CHECK(outcome.cancelled());
            CHECK(!r);
            g.open();
            const int next = co_await c.assign([] { return 1; }); // the thread is free again
            CHECK(next == 1);
            CHECK(r);
        }(context, gate, ran));
    }
    CHECK(Counted::alive == 0);
}

TEST_CASE("Context: a job that has ended when its waiter is cancelled leaves nothing behind") {
    Counted::alive = 0;
    DefaultPort port;
    Loop loop{port};
    Gate gate; // so that the task waits before the function has ended
    Context context;
    const auto gives = [](Context& each, Gate& its) -> Task<> {
        co_await each.assign([&its] {
            its.pass();
            return Counted{};
        });
    };
    const auto behind = [](Context& each) -> Task<> { co_await each.assign([] {}); };
    const auto task = loop.create_task(gives(context, gate));
    const auto next = loop.create_task(behind(context));
    loop.poll();
    gate.open();
    while (context.waiting() > 0) std::this_thread::yield(); // when the thread has taken the next, this one has ended
    CHECK(Counted::alive == 1);
    task.cancel();
    loop.run_until_complete(next);
    CHECK(task.cancelled());
    CHECK(Counted::alive == 0);
}

TEST_CASE("Context: one that is cancelled before there is room is not called") {
    Gate gate;
    std::atomic<int> calls{0};
    Context context{1, 1};
    run([](Context& c, Gate& g, std::atomic<int>& n) -> Task<> {
        create_task(pass_gate(c, g));
        while (g.reached() == 0) co_await sleep(1ms);
        const auto count = [](Context& each, std::atomic<int>& nn) -> Task<> { co_await each.assign([&nn] { ++nn; }); };
        const auto queued = create_task(count(c, n));
        co_await until_waiting(c, 1);
        const auto waiting = create_task(count(c, n));
        co_await sleep(2ms);
        waiting.cancel();
        const auto outcome = co_await waiting.outcome();
        CHECK(outcome.cancelled());
        g.open();
        co_await queued;
    }(context, gate, calls));
    CHECK(calls == 1);
}

TEST_CASE("Context: its end waits for the function that runs, though nobody waits for that any more") {
    Gate gate;
    std::atomic<int> finished{0};
    std::optional<Context> context{std::in_place};
    run([](Context& c, Gate& g, std::atomic<int>& f) -> Task<> {
        create_task([](Context& each, Gate& gg, std::atomic<int>& ff) -> Task<> {
            co_await each.assign([&gg, &ff] {
                gg.pass();
                ++ff;
            });
        }(c, g, f));
        while (g.reached() == 0) co_await sleep(1ms);
    }(*context, gate, finished)); // which cancels the task
    std::thread opener{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        gate.open();
    }};
    CHECK(finished == 0);
    context.reset();
    CHECK(finished == 1);
    opener.join();
}

TEST_CASE("Context: destroyed by a task, while others wait for it") {
    Gate gate;
    std::atomic<int> finished{0};
    run([](Gate& g, std::atomic<int>& f) -> Task<> {
        std::optional<Context> context{std::in_place, 1U, 1U};
        std::vector<TaskHandle<>> tasks;
        for (int i = 0; i < 3; ++i) {
            tasks.push_back(create_task([](Context& c, Gate& gg, std::atomic<int>& ff) -> Task<> {
                co_await c.assign([&gg, &ff] {
                    gg.pass();
                    ++ff;
                });
            }(*context, g, f)));
        }
        while (g.reached() == 0) co_await sleep(1ms);
        co_await until_waiting(*context, 1);
        g.open();
        context.reset();
        const auto first = co_await tasks[0].outcome();
        const auto queued = co_await tasks[1].outcome();
        const auto without_room = co_await tasks[2].outcome();
        CHECK(first.has_value());
        // The thread may have got to the second one before the Context closed.
        CHECK((queued.cancelled() || f == 2));
        CHECK(without_room.cancelled());
    }(gate, finished));
}

TEST_CASE("Context: refuses the tasks of a loop on another thread, and goes on for its own") {
    Context context;
    std::string refusal;
    std::thread{[&] { refusal = misuse_of([&] { static_cast<void>(context.assign([] { return 1; })); }); }}.join();
    CHECK(contains(refusal, "rouse: Context::assign: called on another thread than the one that created the Context"));
    run([](Context& c) -> Task<> {
        const int given = co_await c.assign([] { return 2; });
        CHECK(given == 2);
    }(context));
}

TEST_CASE("Context: needs a thread, and room") {
    CHECK(contains(misuse_of([] { Context{0}; }), "rouse: Context: needs at least one thread"));
    CHECK(contains(misuse_of([] { Context{1, 0}; }), "rouse: Context: needs room"));
}

TEST_CASE("assign moves a result that only claims to be copyable") {
    Context own;
    const int sum = run([](Context& context) -> Task<int> {
        auto pointers = co_await context.assign(&pointers_to, 1);
        auto holds = co_await context.assign(&make<HoldsPointers>, 2);
        co_return number_in(pointers) + number_in(holds);
    }(own));
    CHECK(sum == 3);
}

TEST_CASE("assign returns the result of a function that returns a const object") {
    Context own;
    const std::string word = run([](Context& context) -> Task<std::string> {
        const auto constant = []() -> const std::string { return "const"; };
        co_return co_await context.assign(constant);
    }(own));
    CHECK(word == "const");
}

TEST_CASE("assign destroys arguments and results that have their own operator&") {
    REQUIRE(Addressless::alive == 0);
    {
        Context own;
        const int sum = run([](Context& context) -> Task<int> {
            const Addressless argument{3};
            const auto doubled = [](Addressless value) { return Addressless{2 * value.number}; };
            const Addressless result = co_await context.assign(doubled, argument);
            co_return argument.number + result.number;
        }(own));
        CHECK(sum == 9);
    }
    CHECK(Addressless::alive == 0);
}
