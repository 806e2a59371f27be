#include <rouse/core/task.hpp>

#include <memory>
#include <string>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

Task<int> returns(int value) { co_return value; }
Task<std::unique_ptr<int>> returns_move_only(int value) { co_return std::make_unique<int>(value); }
Task<int&> returns_reference(int& value) { co_return value; }
Task<int> adds_later(int a, int b) {
    co_await sleep(1s);
    co_return a + b;
}
Task<int> deep(int levels) {
    if (levels == 0) co_return 0;
    if (levels % 10 == 0) co_await yield();
    const int below = co_await deep(levels - 1);
    co_return below + 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wreturn-type" // which is what clang says of it
Task<int> forgets_to_return(bool later) {
    if (later) co_await yield();
}
Task<MoveOnly> forgets_to_return_an_object() { co_await yield(); }
#pragma GCC diagnostic pop

} // namespace

TEST_CASE("a task is lazy: its body does not run before it is awaited") {
    Log log;
    auto child = [&]() -> Task<> {
        log("child");
        co_return;
    };
    auto main = [&]() -> Task<> {
        Task<> task = child();
        log("made");
        co_await task;
        log("awaited");
    };
    run_virtual(main());
    CHECK(log == "made child awaited");
}

TEST_CASE("a task that is never awaited is destroyed without having run") {
    Log log;
    auto child = [&]() -> Task<> {
        log("never");
        co_return;
    };
    {
        Task<> task = child();
    }
    CHECK(log == "");
}

TEST_CASE("an awaited child runs in place, before anything that is ready") {
    Log log;
    auto child = [&]() -> Task<> {
        log("child");
        co_return;
    };
    auto main = [&]() -> Task<> {
        create_task([](Log& l) -> Task<> {
            l("other");
            co_return;
        }(log));
        co_await child();
        log("main");
        co_await yield();
    };
    run_virtual(main());
    CHECK(log == "child main other");
}

TEST_CASE("a task returns values, references and what can only be moved") {
    auto main = []() -> Task<> {
        int number = 5;
        const int value = co_await returns(7);
        CHECK(value == 7);
        const auto pointer = co_await returns_move_only(8);
        CHECK(*pointer == 8);
        int& reference = co_await returns_reference(number);
        CHECK(&reference == &number);
        const int sum = co_await adds_later(2, 3);
        CHECK(sum == 5);
    };
    run_virtual(main());
}

template <class T>
Task<T> returns_one(bool later) {
    if (later) co_await yield();
    co_return static_cast<T>(1);
}

// clang 19 dropped the store of a result of one byte, see PromiseBase::handle.
TEMPLATE_TEST_CASE("results of every size arrive, from children and tasks", "", bool, char, short, int, long, double) {
    auto main = []() -> Task<> {
        for (const bool later : {false, true}) {
            const TestType child = co_await returns_one<TestType>(later);
            CHECK(child == static_cast<TestType>(1));
            const TestType task = co_await create_task(returns_one<TestType>(later));
            CHECK(task == static_cast<TestType>(1));
        }
    };
    run_virtual(main());
}

TEST_CASE("two million children that finish at once do not grow the stack") {
    auto main = []() -> Task<long> {
        long sum = 0;
        for (int i = 0; i < 2'000'000; ++i) sum += co_await returns(1);
        co_return sum;
    };
    CHECK(run_virtual(main()) == 2'000'000);
}

TEST_CASE("a million children that suspend do not grow the stack") {
    auto child = []() -> Task<int> {
        co_await yield();
        co_return 1;
    };
    auto main = [&]() -> Task<long> {
        long sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await child();
        co_return sum;
    };
    CHECK(run_virtual(main()) == 1'000'000);
}

TEST_CASE("children nest, suspended or not") { CHECK(run_virtual(deep(500)) == 500); }

TEST_CASE("locals are destroyed before what awaits goes on, arguments at the end of the expression") {
    Log log;
    auto child = [&](std::unique_ptr<Mark>) -> Task<> {
        const Mark local{log, "local"};
        co_await yield();
        log("body");
    };
    auto main = [&]() -> Task<> {
        co_await child(std::make_unique<Mark>(log, "argument"));
        log("after");
    };
    run_virtual(main());
    CHECK(log == "body local argument after");
}

TEST_CASE("awaiting a task that was moved from is a clear error") {
    auto main = []() -> Task<> {
        Task<int> task = returns(1);
        Task<int> other = std::move(task);
        co_await task;
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "co_await of an empty Task"));
}

TEST_CASE("awaiting a task twice is a clear error") {
    auto main = []() -> Task<> {
        Task<int> task = returns(1);
        co_await task;
        co_await task;
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "awaited before"));
}

TEST_CASE("a frame comes from the loop's pool again once it is free") {
    auto main = []() -> Task<> {
        const void* first = nullptr;
        {
            Task<int> task = returns(1);
            first = &detail::record_of(task);
        }
        Task<int> task = returns(2);
        CHECK(&detail::record_of(task) == first);
        co_return;
    };
    run_virtual(main());
}

TEST_CASE("a coroutine that ends without co_return of its value is a clear error, not a cancellation") {
    const auto rule = "ended without co_return";
    for (const bool later : {false, true}) {
        CHECK(contains(misuse_of([=] { run_virtual(forgets_to_return(later)); }), rule));
        CHECK(contains(misuse_of([=] {
                           run_virtual([](bool suspends) -> Task<> {
                               std::ignore = co_await forgets_to_return(suspends);
                           }(later));
                       }),
                       rule));
        CHECK(contains(misuse_of([=] {
                           run_virtual([](bool suspends) -> Task<> {
                               std::ignore = co_await create_task(forgets_to_return(suspends));
                           }(later));
                       }),
                       rule));
    }
    CHECK(contains(misuse_of([] { run_virtual(forgets_to_return_an_object()); }), rule));
    CHECK(contains(misuse_of([] {
                       run_virtual([]() -> Task<> {
                           auto outcome = co_await create_task(forgets_to_return_an_object()).outcome();
                           std::ignore = outcome.value();
                       }());
                   }),
                   rule));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("an exception passes through the tasks that await") {
    auto thrower = [](bool later) -> Task<int> {
        if (later) co_await sleep(1ms);
        throw std::string{"thrown"};
        co_return 0;
    };
    auto middle = [&](bool later) -> Task<int> { co_return co_await thrower(later); };
    auto main = [&]() -> Task<int> {
        int caught = 0;
        for (const bool later : {false, true}) {
            try {
                co_await middle(later);
            } catch (const std::string& what) {
                CHECK(what == "thrown");
                ++caught;
            }
        }
        co_return caught;
    };
    CHECK(run_virtual(main()) == 2);
}

namespace {

// Throws an int, or a cancellation, from its destructor.
struct ThrowsAtEnd {
    bool cancellation = false;
    ~ThrowsAtEnd() noexcept(false) {
        if (cancellation) throw CancelledError{};
        throw 1;
    }
};

Task<CountsCopies> throws_after_return(bool later, bool cancellation) {
    ThrowsAtEnd at_end{cancellation};
    if (later) co_await yield();
    co_return CountsCopies{1};
}

Task<CountsCopies> returns_after_all(bool throws_again) {
    try {
        ThrowsAtEnd at_end;
        co_return CountsCopies{1};
    } catch (int) {
    }
    if (throws_again) throw 2;
    co_return CountsCopies{2};
}

Task<CountsCopies> waits_after_return() {
    try {
        ThrowsAtEnd at_end;
        co_return CountsCopies{1};
    } catch (int) {
    }
    co_await sleep(1h);
    co_return CountsCopies{2};
}

} // namespace

TEST_CASE("a value that was returned is destroyed if a local variable's destructor throws after that") {
    for (const bool later : {false, true}) {
        run_virtual([](bool suspends) -> Task<> {
            int caught = 0;
            try {
                std::ignore = co_await throws_after_return(suspends, false);
            } catch (int) {
                ++caught;
            }
            try {
                std::ignore = co_await throws_after_return(suspends, true);
            } catch (const CancelledError&) {
                ++caught;
            }
            auto task = create_task(throws_after_return(suspends, false));
            auto outcome = co_await task.outcome();
            CHECK(!outcome.has_value());
            CHECK(outcome.error() != nullptr);
            auto cancelled = create_task(throws_after_return(suspends, true));
            auto outcome_of_cancelled = co_await cancelled.outcome();
            CHECK(outcome_of_cancelled.cancelled());
            CHECK(caught == 2);
        }(later));
        CHECK(CountsCopies::alive == 0);
    }
}

TEST_CASE("a coroutine that catches what a destructor threw after co_return may return another value") {
    CHECK(run_virtual(returns_after_all(false)).number == 2);
    CHECK(CountsCopies::alive == 0);
    CHECK_THROWS_AS(run_virtual(returns_after_all(true)), int);
    CHECK(CountsCopies::alive == 0);
}

TEST_CASE("a coroutine that is cancelled after it has returned a value in vain leaves no value") {
    run_virtual([]() -> Task<> {
        auto task = create_task(waits_after_return());
        co_await yield();
        CHECK(task.cancel());
        auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
    }());
    CHECK(CountsCopies::alive == 0);
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(waits_after_return());
        loop.poll();
        CHECK(CountsCopies::alive == 1);
    }
    CHECK(CountsCopies::alive == 0);
}

#endif

namespace {

// A coroutine of another library, which runs inside a task.
class Theirs {
public:
    struct promise_type {
        Theirs get_return_object() { return Theirs{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        struct Continue {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                return ended.promise().awaiting;
            }
            void await_resume() noexcept {}
        };
        Continue final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
        std::coroutine_handle<> awaiting;
    };

    explicit Theirs(std::coroutine_handle<promise_type> frame) : frame_{frame} {}
    Theirs(Theirs&&) = delete;
    ~Theirs() { frame_.destroy(); }

    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
        frame_.promise().awaiting = awaiting;
        return frame_;
    }
    void await_resume() {}

private:
    std::coroutine_handle<promise_type> frame_;
};

} // namespace

TEST_CASE("a coroutine of another library inside a task ends with the loop, innermost first, with what it awaits") {
    Log log;
    auto innermost = [&]() -> Task<> {
        const Mark mark{log, "innermost"};
        co_await sleep(1h);
    };
    auto theirs = [&](bool with_task) -> Theirs {
        const Mark mark{log, "theirs"};
        if (with_task) {
            co_await innermost();
        } else {
            co_await sleep(1h);
        }
    };
    auto child = [&](bool with_task) -> Task<> {
        const Mark mark{log, "child"};
        co_await theirs(with_task);
    };
    auto outermost = [&](bool with_task) -> Task<> {
        const Mark mark{log, "outermost"};
        co_await child(with_task);
    };
    for (const bool awaits_task : {false, true}) {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(outermost(awaits_task));
        while (loop.poll()) {
        }
    }
    CHECK(log == "theirs child outermost innermost theirs child outermost");
}
