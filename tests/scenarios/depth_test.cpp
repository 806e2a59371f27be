// What is nested deeply, or awaited by many, ends in linear time and with a flat stack. With a million levels, a few
// bytes of stack for each would be more than there is; where the time was quadratic, a test does not end.
#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

#if ROUSE_ASAN || ROUSE_TSAN
constexpr int levels = 100'000; // a frame of the stack is larger there
constexpr int waiters = 20'000;
#else
constexpr int levels = 1'000'000;
constexpr int waiters = 100'000;
#endif

// Counts the levels that end, and whether each ends after those inside it.
struct Levels {
    int ended = 0;
    bool innermost_first = true;
};

class Level {
public:
    Level(Levels& all, int number) : all_{all}, number_{number} {}
    ~Level() {
        if (number_ != all_.ended++) all_.innermost_first = false;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

private:
    Levels& all_;
    int number_;
};

// Yields before it nests, because a call that does not suspend takes stack like any function.
Task<> nest(Levels& ended, int depth, Event& never) {
    const Level level{ended, depth};
    co_await yield();
    if (depth == 0) {
        co_await never.wait();
    } else {
        co_await nest(ended, depth - 1, never);
    }
}

void run_until_waiting(Loop& loop) {
    while (loop.poll()) {
    }
}

} // namespace

TEST_CASE("a loop that ends destroys a million nested children, innermost first, with a flat stack") {
    Levels ended;
    Event never;
    {
        VirtualTimePort port;
        Loop loop{port};
        const auto task = loop.create_task(nest(ended, levels - 1, never));
        run_until_waiting(loop);
        CHECK(ended.ended == 0);
    }
    CHECK(ended.ended == levels);
    CHECK(ended.innermost_first);
}

TEST_CASE("a task of a million nested children is cancelled, innermost first, with a flat stack") {
    Levels ended;
    Event never;
    VirtualTimePort port;
    Loop loop{port};
    const auto task = loop.create_task(nest(ended, levels - 1, never));
    run_until_waiting(loop);
    CHECK(task.cancel());
    run_until_waiting(loop);
    CHECK(task.cancelled());
    CHECK(ended.ended == levels);
    CHECK(ended.innermost_first);
}

TEST_CASE("a million finished tasks, each with the handle of the one before, are dropped with a flat stack") {
    auto holds = [](TaskHandle<>) -> Task<> { co_return; };
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> last;
    for (int i = 0; i < levels; ++i) last = loop.create_task(holds(last));
    run_until_waiting(loop);
    CHECK(last.done());
    last = {};
    CHECK(!last);
}

namespace {

struct Chain {
    TaskHandle<Chain> before;
};

} // namespace

TEST_CASE("a million results, each with the handle of the one before, are dropped with a flat stack") {
    auto returns = [](TaskHandle<Chain> before) -> Task<Chain> { co_return Chain{before}; };
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<Chain> last;
    for (int i = 0; i < levels; ++i) last = loop.create_task(returns(last));
    run_until_waiting(loop);
    CHECK(last.done());
    last = {};
    CHECK(!last);
}

TEST_CASE("a chain of results is dropped with a flat stack after its loop has ended") {
    auto returns = [](TaskHandle<Chain> before) -> Task<Chain> { co_return Chain{before}; };
    TaskHandle<Chain> last;
    {
        VirtualTimePort port;
        Loop loop{port};
        for (int i = 0; i < levels; ++i) last = loop.create_task(returns(last));
        run_until_waiting(loop);
    }
    last = {};
    CHECK(!last);
}

TEST_CASE("a million Tasks, each an argument of the next, end with a flat stack") {
    auto wrap = [](Task<int> inner) -> Task<int> {
        co_await yield();
        co_return 1 + co_await inner;
    };
    auto innermost = []() -> Task<int> { co_return 0; };
    VirtualTimePort port;
    Loop loop{port};
    Task<int> outermost = innermost();
    for (int i = 1; i < levels; ++i) outermost = wrap(std::move(outermost));
    const auto task = loop.create_task(std::move(outermost));
    run_until_waiting(loop);
    CHECK(task.result() == levels - 1);
}

TEST_CASE("nested gathers are cancelled with a flat stack") {
    auto waits = [](Event& never) -> Task<> { co_await never.wait(); };
    auto gathers = [](TaskHandle<> inner) -> Task<> { co_await gather(std::move(inner)); };
    Event never;
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> outermost = loop.create_task(waits(never));
    for (int i = 0; i < waiters; ++i) outermost = loop.create_task(gathers(outermost));
    run_until_waiting(loop);
    CHECK(outermost.cancel());
    run_until_waiting(loop);
    CHECK(outermost.cancelled());
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("gathers that reach the same task in many ways ask it once") {
    auto waits = [](Event& never) -> Task<> { co_await never.wait(); };
    auto gathers_twice = [](TaskHandle<> inner) -> Task<> { co_await gather(inner, inner); };
    Event never;
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> outermost = loop.create_task(waits(never));
    for (int i = 0; i < 64; ++i) outermost = loop.create_task(gathers_twice(outermost)); // 2^64 ways
    run_until_waiting(loop);
    CHECK(outermost.cancel());
    run_until_waiting(loop);
    CHECK(loop.live_tasks() == 0);
}

namespace {

Task<> select_nested(int depth, Event& never) {
    if (depth == 0) {
        co_await never.wait();
    } else {
        co_await select(select_nested(depth - 1, never));
    }
}

Task<> group_nested(int depth, Event& never) {
    // Not written in the co_await expression, because g++ 12 destroys such a lambda twice.
    auto body = [&never, depth](TaskGroup&) -> Task<> {
        co_await yield();
        if (depth == 0) {
            co_await never.wait();
        } else {
            co_await group_nested(depth - 1, never);
        }
    };
    co_await TaskGroup::run(body);
}

// Cancels one task with `waiters` levels of nesting, and ends the loop while there is another.
void cancel_one_and_leave_one(Task<> (*nested)(int, Event&)) {
    Event never;
    VirtualTimePort port;
    Loop loop{port};
    const auto cancelled = loop.create_task(nested(waiters, never));
    run_until_waiting(loop);
    CHECK(cancelled.cancel());
    run_until_waiting(loop);
    CHECK(cancelled.cancelled());
    const auto left = loop.create_task(nested(waiters, never));
    run_until_waiting(loop);
}

} // namespace

TEST_CASE("nested selects are cancelled, and end with their loop, with a flat stack") {
    cancel_one_and_leave_one(select_nested);
}

TEST_CASE("nested groups are cancelled, and end with their loop, with a flat stack") {
    cancel_one_and_leave_one(group_nested);
}

namespace {

// Tasks that each await the next; the last waits for `never`. In the pool, the first of the chain is first or last.
void make_chain(Loop& loop, std::vector<TaskHandle<>>& tasks, bool backwards, Event& never) {
    auto awaits = [](const std::vector<TaskHandle<>>& all, std::size_t next) -> Task<> { co_await all[next]; };
    auto waits = [](Event& no_deadline) -> Task<> { co_await no_deadline.wait(); };
    if (backwards) { // each awaits the one before, which waits already
        for (std::size_t i = 0; i < waiters; ++i) {
            tasks.push_back(loop.create_task(i == 0 ? waits(never) : awaits(tasks, i - 1)));
            if (i % 2 == 0) loop.poll();
        }
    } else {
        for (std::size_t i = 0; i < waiters; ++i) {
            tasks.push_back(loop.create_task(i + 1 == waiters ? waits(never) : awaits(tasks, i + 1)));
        }
    }
    run_until_waiting(loop);
}

} // namespace

TEST_CASE("a loop with a chain of tasks that await each other ends in linear time") {
    const bool backwards = GENERATE(false, true);
    Event never;
    std::vector<TaskHandle<>> tasks;
    {
        VirtualTimePort port;
        Loop loop{port};
        make_chain(loop, tasks, backwards, never);
        CHECK(loop.live_tasks() == waiters);
    }
    CHECK(tasks.front().cancelled());
    CHECK(tasks.back().cancelled());
}

TEST_CASE("run cancels a chain of tasks that await each other in linear time") {
    const bool backwards = GENERATE(false, true);
    Event never;
    std::vector<TaskHandle<>> tasks;
    VirtualTimePort port;
    Loop loop{port};
    make_chain(loop, tasks, backwards, never);
    auto main = []() -> Task<> { co_return; };
    loop.run(main());
    CHECK(loop.live_tasks() == 0);
    CHECK(tasks.front().cancelled());
    CHECK(tasks.back().cancelled());
}

TEST_CASE("leaving a task that many others await takes constant time") {
    auto waits = [](Event& event) -> Task<> { co_await event.wait(); };
    auto selects = [](TaskHandle<> awaited, Event& event) -> Task<> {
        co_await select(std::move(awaited), event.wait());
    };
    Event never;
    Event event;
    VirtualTimePort port;
    Loop loop{port};
    const auto awaited = loop.create_task(waits(never));
    std::vector<TaskHandle<>> all;
    for (int i = 0; i < waiters; ++i) all.push_back(loop.create_task(selects(awaited, event)));
    run_until_waiting(loop);
    event.set(); // all leave, in the order in which they came
    run_until_waiting(loop);
    CHECK(loop.live_tasks() == 1);
    CHECK(all.back().done());
}

TEST_CASE("a task leaves the awaiters of another from anywhere among them") {
    auto waits = [](Event& event) -> Task<> { co_await event.wait(); };
    auto selects = [](TaskHandle<> awaited, Event& event, Log& log, int number) -> Task<> {
        const auto first = co_await select(std::move(awaited), event.wait());
        log(first.index() == 0 ? number : -number);
    };
    Log log;
    Event done;
    Event leave[5];
    VirtualTimePort port;
    Loop loop{port};
    const auto awaited = loop.create_task(waits(done));
    for (int i = 0; i < 5; ++i) loop.create_task(selects(awaited, leave[i], log, i + 1));
    run_until_waiting(loop);
    for (int each : {2, 0, 4}) { // the middle, the oldest, the newest
        leave[each].set();
        run_until_waiting(loop);
    }
    done.set();
    run_until_waiting(loop);
    CHECK(log == "-3 -1 -5 2 4");
}
