#include <rouse/combine/gather.hpp>

#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("gather runs its arguments at once and returns their results in their order") {
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        auto [a, b, c] = co_await gather(returns_after(1, 3s), returns_after(2, 1s), returns_after(3, 2s));
        CHECK(a == 1);
        CHECK(b == 2);
        CHECK(c == 3);
        CHECK(Clock::now() - start == 3s);
    };
    run_virtual(main());
}

TEST_CASE("gather starts its arguments from left to right, at its co_await") {
    Log log;
    auto worker = [&](int n) -> Task<> {
        log(n);
        co_return;
    };
    auto main = [&]() -> Task<> {
        auto all = gather(worker(1), worker(2), worker(3));
        co_await yield();
        log("main");
        co_await all;
    };
    run_virtual(main());
    CHECK(log == "main 1 2 3");
}

TEST_CASE("gather takes tasks, handles and objects' waits, of different types") {
    auto main = []() -> Task<> {
        Event event;
        ThreadSafeQueue<std::unique_ptr<int>, 1> queue;
        CHECK(queue.put_sync(std::make_unique<int>(4)));
        auto handle = create_task(returns_after(1, 1s));
        event.set();
        auto [a, b, c] = co_await gather(handle, event.wait(), queue.get());
        CHECK(a == 1);
        (void)b;
        CHECK(*c == 4);
    };
    run_virtual(main());
}

TEST_CASE("gather takes a range of tasks or of handles, and returns a vector") {
    auto main = []() -> Task<> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(returns_after(i, (5 - i) * 1s));
        const auto results = co_await gather(std::move(tasks));
        CHECK(results == std::vector<int>{0, 1, 2, 3, 4});
        std::vector<TaskHandle<int>> handles;
        for (int i = 0; i < 3; ++i) handles.push_back(create_task(returns_after(i, 1s)));
        const auto again = co_await gather(handles);
        CHECK(again == std::vector<int>{0, 1, 2});
    };
    run_virtual(main());
}

TEST_CASE("gather of nothing is done at once") {
    auto main = []() -> Task<> {
        co_await gather();
        const auto none = co_await gather(std::vector<TaskHandle<int>>{});
        CHECK(none.empty());
    };
    run_virtual(main());
}

TEST_CASE("gather accepts finished tasks, the same task twice, and one that has a waiter already") {
    auto main = []() -> Task<> {
        auto done = create_task(returns_after(1, 0s));
        co_await done;
        auto running = create_task(returns_after(2, 1s));
        auto other = create_task([](TaskHandle<int> handle) -> Task<int> { co_return co_await handle; }(running));
        co_await yield();
        auto [a, b, c, d] = co_await gather(done, running, running, other);
        CHECK(a + b + c + d == 7);
        auto [e] = co_await gather(done);
        CHECK(e == 1);
    };
    run_virtual(main());
}

TEST_CASE("cancelling the gathering task cancels all running arguments, and waits for them") {
    Log log;
    auto worker = [&](int n) -> Task<> {
        const auto guard = on_cancel([&log, n] { log(n); });
        co_await sleep(1h);
    };
    auto gathers = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("gather"); });
        co_await gather(worker(1), worker(2), returns_after(3, 1s));
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(gathers());
        co_await sleep(2s);
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "1 2 gather");
}

TEST_CASE("with return_exceptions the results are outcomes, and a cancelled task is one of them") {
    auto main = []() -> Task<> {
        auto doomed = create_task(returns_after(1, 1h));
        create_task([](TaskHandle<> handle) -> Task<> {
            co_await sleep(1s);
            handle.cancel();
        }(doomed));
        auto [a, b] = co_await gather(return_exceptions, doomed, returns_after(2, 3s));
        CHECK(a.cancelled());
        CHECK(b.value() == 2);
        std::vector<TaskHandle<int>> handles{doomed, create_task(returns_after(3, 1s))};
        auto outcomes = co_await gather(return_exceptions, handles);
        CHECK(outcomes.size() == 2);
        CHECK(outcomes[0].cancelled());
        CHECK(outcomes[1].value() == 3);
    };
    run_virtual(main());
}

TEST_CASE(
    "a handle's task that is cancelled ends the gather as cancelled, after its Tasks; other handles' tasks continue") {
    Log log;
    auto other = [&]() -> Task<> {
        co_await sleep(5s);
        log("other");
    };
    auto owned = [&]() -> Task<> {
        Mark mark{log, "owned"};
        co_await sleep(5s);
        log("wrong");
    };
    auto gathers = [&](TaskHandle<> doomed, TaskHandle<> theirs) -> Task<> {
        const auto guard = on_cancel([&] { log("gather"); });
        co_await gather(doomed, owned(), theirs);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto doomed = create_task([]() -> Task<> { co_await sleep(1h); }());
        auto theirs = create_task(other());
        auto early = create_task(gathers(doomed, theirs));
        co_await sleep(1s);
        doomed.cancel();
        co_await early.outcome();
        CHECK(early.cancelled());
        auto late = create_task(gathers(doomed, theirs)); // `doomed` has been cancelled already: `owned` never starts
        co_await late.outcome();
        CHECK(late.cancelled());
        co_await sleep(10s);
    };
    run_virtual(main());
    CHECK(log == "owned gather gather other");
}

TEST_CASE("gather does not move handles out of a view") {
    auto main = []() -> Task<> {
        std::vector<TaskHandle<int>> handles{create_task(returns_after(1, 1s))};
        const auto results = co_await gather(std::span{handles});
        CHECK(results == std::vector<int>{1});
        CHECK(static_cast<bool>(handles[0]));
    };
    run_virtual(main());
}

TEST_CASE("cancelling a circle of gathers does not overflow the stack") {
    VirtualTimePort port;
    Loop loop{port};
    TaskHandle<> a, b;
    auto gathers = [](TaskHandle<>& other) -> Task<> {
        co_await yield();
        co_await gather(other);
    };
    a = loop.create_task(gathers(b));
    b = loop.create_task(gathers(a));
    while (loop.poll()) {
    }
    CHECK(a.cancel());
    while (loop.poll()) {
    }
}

#if ROUSE_HOSTED // several loops
TEST_CASE("gathering tasks of another loop is a UsageError") {
    CHECK(contains(misuse_of([] {
                       VirtualTimePort port_a, port_b;
                       Loop loop_a{port_a};
                       Loop loop_b{port_b};
                       auto theirs = loop_b.create_task(returns_after(1, 1s));
                       loop_a.run(gather(theirs, returns_after(2, 1s)));
                   }),
                   "belongs to another loop"));
}
#endif

TEST_CASE("a task that gathers itself is a UsageError") {
    auto main = []() -> Task<> { co_await gather(current_task()); };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "gather: a task cannot await itself"));
}

TEST_CASE("cancelling a task that gathers a range cancels all running arguments, and waits for them") {
    Log log;
    auto worker = [&](int n) -> Task<> {
        const auto guard = on_cancel([&log, n] { log(n); });
        co_await sleep(1h);
    };
    auto gathers = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("gather"); });
        std::vector<Task<>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(worker(i));
        co_await gather(return_exceptions, std::move(tasks));
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(gathers());
        co_await sleep(1s);
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
    };
    run_virtual(main());
    CHECK(log == "0 1 2 gather");
}

TEST_CASE("a gather that is cancelled just as its last task ends is cancelled, and the results stay in the handles") {
    Event event;
    auto awaited = [&]() -> Task<int> {
        co_await event.wait();
        co_return 5;
    };
    auto gathers = [](TaskHandle<int> a, TaskHandle<int> b) -> Task<> { co_await gather(a, b); };
    auto main = [&]() -> Task<> {
        auto a = create_task(awaited()), b = create_task(awaited());
        auto handle = create_task(gathers(a, b));
        co_await sleep(1s);
        event.set();
        co_await yield(); // after both tasks, before the gathering task
        CHECK(b.done());
        CHECK(!handle.done());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(a.result() + b.result() == 10);
    };
    run_virtual(main());
}

TEST_CASE("a gather cancelled just after a handle's task has failed leaves the tasks of the other handles running") {
    Log log;
    auto other = [&]() -> Task<> {
        co_await sleep(5s);
        log("other");
    };
    auto gathers = [&](TaskHandle<> doomed, TaskHandle<> theirs) -> Task<> { co_await gather(doomed, theirs); };
    auto main = [&]() -> Task<> {
        auto doomed = create_task([]() -> Task<> { co_await sleep(1h); }());
        auto handle = create_task(gathers(doomed, create_task(other())));
        co_await sleep(1s);
        doomed.cancel();
        co_await yield();
        CHECK(doomed.done());
        CHECK(!handle.done());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        co_await sleep(10s);
    };
    run_virtual(main());
    CHECK(log == "other");
}

TEST_CASE("a gather that fails waits for its own Tasks and waits, which may refer to the caller's locals") {
    Log log;
    auto uses = [&](Mark&) -> Task<> {
        Mark inner{log, "task"};
        co_await sleep(1h);
        log("wrong");
    };
    auto waits = [&](Event& event, TaskHandle<> doomed) -> Task<> {
        const auto guard = on_cancel([&] { log("cancelled"); });
        Mark local{log, "local"};
        co_await gather(uses(local), event.wait(), doomed);
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        Event event;
        auto doomed = create_task([]() -> Task<> { co_await sleep(1h); }());
        auto handle = create_task(waits(event, doomed));
        co_await sleep(1s);
        CHECK(Loop::current().live_tasks() == 5);
        doomed.cancel();
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(Loop::current().live_tasks() == 1); // the wait for the event has ended, too
        CHECK(Clock::now() == TimePoint{1s});
    };
    run_virtual(main());
    CHECK(log == "task local cancelled");
}

TEST_CASE("a gather that is not awaited starts nothing") {
    Log log;
    auto worker = [&]() -> Task<> {
        log("wrong");
        co_return;
    };
    auto main = [&]() -> Task<> {
        {
            auto never = gather(worker(), worker());
        }
        std::vector<Task<>> tasks;
        tasks.push_back(worker());
        {
            auto never = gather(std::move(tasks));
        }
        co_await sleep(1s);
        CHECK(Loop::current().live_tasks() == 1);
    };
    run_virtual(main());
    CHECK(log == "");
}

namespace {

// std::is_copy_constructible says true, but a copy does not compile.
using Boxes = std::vector<std::unique_ptr<int>>;

Task<Boxes> boxes(int value) {
    Boxes made;
    made.push_back(std::make_unique<int>(value));
    co_await yield();
    co_return made;
}

struct CountsCopies {
    int* copies;
    explicit CountsCopies(int& counter) : copies{&counter} {}
    CountsCopies(const CountsCopies& other) : copies{other.copies} { ++*copies; }
    CountsCopies(CountsCopies&&) = default;
    CountsCopies& operator=(const CountsCopies&) = delete;
};

Task<CountsCopies> makes(int& counter) { co_return CountsCopies{counter}; }

} // namespace

TEST_CASE("gather takes results that are copyable by their traits but not in fact") {
    static_assert(std::is_copy_constructible_v<Boxes>);
    auto main = []() -> Task<> {
        auto [a, b, c] = co_await gather(boxes(1), create_task(boxes(2)), boxes(3));
        CHECK(*a.at(0) + *b.at(0) + *c.at(0) == 6);
        auto [d, e] = co_await gather(return_exceptions, boxes(4), create_task(boxes(5)));
        CHECK(*d.value().at(0) + *e.value().at(0) == 9);
        std::vector<Task<Boxes>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(boxes(i));
        const auto results = co_await gather(std::move(tasks));
        CHECK(*results.at(2).at(0) == 2);
        std::vector<Task<Boxes>> more;
        for (int i = 0; i < 3; ++i) more.push_back(boxes(i));
        auto outcomes = co_await gather(return_exceptions, std::move(more));
        CHECK(*outcomes.at(1).value().at(0) == 1);
    };
    run_virtual(main());
}

TEST_CASE("gather moves the results of Tasks and of temporary handles, and copies those of handles that are kept") {
    int copies = 0;
    auto main = [&]() -> Task<> {
        [[maybe_unused]] const auto given = co_await gather(makes(copies), create_task(makes(copies)));
        [[maybe_unused]] const auto outcomes =
            co_await gather(return_exceptions, makes(copies), create_task(makes(copies)));
        std::vector<Task<CountsCopies>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(makes(copies));
        [[maybe_unused]] const auto range = co_await gather(std::move(tasks));
        CHECK(copies == 0);
        auto kept = create_task(makes(copies));
        [[maybe_unused]] const auto once = co_await gather(kept);
        CHECK(copies == 1);
        [[maybe_unused]] const auto twice = co_await gather(return_exceptions, kept);
        CHECK(copies == 2);
        std::vector<TaskHandle<CountsCopies>> handles{kept};
        [[maybe_unused]] const auto thrice = co_await gather(handles);
        CHECK(copies == 3);
    };
    run_virtual(main());
}

TEST_CASE("gather takes any awaitable, also one that is awaited by its operator co_await") {
    struct Theirs {
        Event* event;
        auto operator co_await() const { return event->wait(); }
    };
    auto main = [&]() -> Task<> {
        Event event;
        auto sets = [](Event& to) -> Task<> {
            co_await sleep(1s);
            to.set();
        };
        Theirs theirs{&event};
        co_await gather(theirs, Theirs{&event}, sets(event), create_task(returns_after(1, 2s)).outcome());
        CHECK(Clock::now() == TimePoint{2s});
        std::vector<Theirs> range(3, theirs);
        co_await gather(range);
    };
    run_virtual(main());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("a mistake in one argument of a gather is found before any is started") {
    Log log;
    auto worker = [&]() -> Task<int> {
        log("wrong");
        co_return 1;
    };
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 2; ++i) {
            std::string error;
            try {
                if (i == 0) co_await gather(worker(), Task<int>{});
                if (i == 1) co_await gather(worker(), TaskHandle<int>{});
            } catch (const UsageError& caught) {
                error = caught.what();
            }
            CHECK(contains(error, "empty Task"));
        }
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(log == "");
}
#endif

#if ROUSE_EXCEPTIONS

TEST_CASE("the first failure ends a gather; handles' tasks continue, and no other exception is reported") {
    Log log;
    auto thrower = [](const char* what, Clock::duration time) -> Task<> {
        co_await sleep(time);
        throw std::runtime_error{what};
    };
    auto other = [&]() -> Task<int> {
        co_await sleep(5s);
        log("other");
        co_return 1;
    };
    auto main = [&]() -> Task<> {
        Loop::current().set_exception_handler([&](std::string_view, std::exception_ptr) { log("reported"); });
        const auto start = Clock::now();
        try {
            co_await gather(create_task(other()), create_task(thrower("second", 2s)), thrower("first", 1s),
                            thrower("cancelled", 3s));
        } catch (const std::runtime_error& error) {
            log(error.what());
        }
        CHECK(Clock::now() - start == 1s);
        co_await sleep(10s);
    };
    run_virtual(main());
    CHECK(log == "first other");
}

TEST_CASE("with return_exceptions errors are outcomes, too") {
    auto thrower = []() -> Task<int> {
        co_await yield();
        throw 42;
    };
    auto main = [&]() -> Task<> {
        auto [a, b] = co_await gather(return_exceptions, thrower(), returns_after(1, 1s));
        CHECK(a.error() != nullptr);
        CHECK_THROWS_AS(a.value(), int);
        CHECK(b.value() == 1);
    };
    run_virtual(main());
}

TEST_CASE("the first failure in a range ends the gather: Tasks are cancelled, handles' tasks continue") {
    Log log;
    auto worker = [&](int n) -> Task<int> {
        co_await sleep((n + 1) * 1s);
        if (n == 1 || n == 2) throw n;
        log(n);
        co_return n;
    };
    auto main = [&]() -> Task<> {
        const auto start = Clock::now();
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(worker(i));
        int caught = 0;
        try {
            co_await gather(std::move(tasks));
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 1);
        CHECK(Clock::now() - start == 2s);
        co_await sleep(10s);
        std::vector<TaskHandle<int>> handles;
        for (int i = 0; i < 4; ++i) handles.push_back(create_task(worker(i)));
        try {
            co_await gather(handles);
        } catch (int thrown) {
            caught = 10 * thrown;
        }
        CHECK(caught == 10);
        CHECK(!handles[3].done());
        co_await sleep(10s);
    };
    run_virtual(main());
    CHECK(log == "0 0 3");
}

TEST_CASE("if several tasks fail in one step, gather throws the error of the first") {
    Event event;
    auto thrower = [&](int n) -> Task<> {
        co_await event.wait();
        throw n;
    };
    auto main = [&]() -> Task<> {
        auto all = gather(thrower(1), thrower(2), thrower(3));
        co_await yield();
        event.set();
        int caught = 0;
        try {
            co_await all;
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 1);
    };
    run_virtual(main());
}

TEST_CASE("with return_exceptions a range of which several tasks fail gives the outcome of each, in its place") {
    auto worker = [](int n) -> Task<int> {
        co_await sleep((5 - n) * 1s);
        if (n % 2 == 1) throw n;
        co_return n;
    };
    auto main = [&]() -> Task<> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(worker(i));
        auto outcomes = co_await gather(return_exceptions, std::move(tasks));
        REQUIRE(outcomes.size() == 4);
        CHECK(outcomes[0].value() == 0);
        CHECK_THROWS_AS(outcomes[1].value(), int);
        CHECK(outcomes[2].value() == 2);
        CHECK_THROWS_AS(outcomes[3].value(), int);
    };
    run_virtual(main());
}

TEST_CASE("a handle's task that has already failed ends a gather before it starts, or is one of its outcomes") {
    Log log;
    auto thrower = []() -> Task<int> {
        throw 42;
        co_return 0;
    };
    auto other = [&]() -> Task<int> {
        co_await sleep(5s);
        log("other");
        co_return 1;
    };
    auto main = [&]() -> Task<> {
        auto failed = create_task(thrower());
        co_await failed.outcome();
        const auto start = Clock::now();
        int caught = 0;
        try {
            co_await gather(other(), failed);
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 42);
        CHECK(Clock::now() == start);
        auto [a, b] = co_await gather(return_exceptions, failed, other());
        CHECK_THROWS_AS(a.value(), int);
        CHECK(b.value() == 1);
    };
    run_virtual(main());
    CHECK(log == "other");
}

TEST_CASE("a cancelled gather waits for a task that ignores its cancellation, and still ends as cancelled") {
    Log log;
    auto stubborn = [&]() -> Task<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("ignored");
        }
        co_await sleep(5s);
        log("ended");
        co_return 1;
    };
    auto gathers = [&]() -> Task<> {
        const auto guard = on_cancel([&] { log("gather"); });
        co_await gather(stubborn(), returns_after(2, 1h));
        log("wrong");
    };
    auto main = [&]() -> Task<> {
        auto handle = create_task(gathers());
        co_await sleep(1s);
        const auto start = Clock::now();
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(Clock::now() - start == 5s);
    };
    run_virtual(main());
    CHECK(log == "ignored ended gather");
}

TEST_CASE("a gather that has failed waits for a Task that takes its time to clean up, and throws the first error") {
    Log log;
    auto thrower = [](Mark&) -> Task<> {
        co_await sleep(1s);
        throw 1;
    };
    auto pump = [&](Mark&) -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cleaning");
        }
        co_await sleep(5s);
        log("clean");
        throw 2;
    };
    auto copies = [&]() -> Task<> {
        Mark a{log, "a"}, b{log, "b"};
        co_await gather(pump(a), thrower(b), pump(b));
    };
    auto in_a_range = [&]() -> Task<> {
        Mark a{log, "a"};
        std::vector<Task<>> tasks;
        tasks.push_back(pump(a));
        tasks.push_back(thrower(a));
        co_await gather(std::move(tasks));
    };
    auto main = [&]() -> Task<> {
        Loop::current().set_exception_handler([&](std::string_view, std::exception_ptr) { log("reported"); });
        int caught = 0;
        try {
            co_await copies();
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 1);
        CHECK(Clock::now() == TimePoint{6s});
        caught = 0;
        try {
            co_await in_a_range();
        } catch (int thrown) {
            caught = thrown;
        }
        CHECK(caught == 1);
        CHECK(Clock::now() == TimePoint{12s});
    };
    run_virtual(main());
    CHECK(log == "cleaning cleaning clean clean b a cleaning clean a");
}

TEST_CASE("cancelling a gather that cleans up after a failure cancels its Tasks once more, and ends it as cancelled") {
    Log log;
    auto thrower = []() -> Task<> {
        co_await sleep(1s);
        throw 1;
    };
    auto stubborn = [&]() -> Task<> {
        for (int i = 0; i < 2; ++i) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                log("ignored");
            }
        }
    };
    auto gathers = [&]() -> Task<> { co_await gather(stubborn(), thrower()); };
    auto main = [&]() -> Task<> {
        auto handle = create_task(gathers());
        co_await sleep(2s);
        CHECK(!handle.done());
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(Clock::now() == TimePoint{2s});
    };
    run_virtual(main());
    CHECK(log == "ignored ignored");
}

#endif
