// create_task(callable, arguments...), on a Loop, outside it, and in a TaskGroup.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<int> adds(int a, int b) {
    co_await sleep(1s);
    co_return a + b;
}

Task<std::string> reads(const std::string& text, std::string&& more) {
    co_await sleep(1s);
    co_return text + more;
}

} // namespace

TEST_CASE("create_task of a lambda stores its captures: the coroutine uses them after the lambda is gone") {
    Log log;
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            std::string text(40, static_cast<char>('a' + i));
            create_task([text, &log]() -> Task<> {
                co_await sleep(1s);
                log(text);
            });
        }
        co_await sleep(2s);
    };
    run_virtual(main());
    std::string expected(40, 'a'); // not a sum: g++ 12 warns of one at -O2, falsely
    expected.append(" ").append(40, 'b').append(" ").append(40, 'c');
    CHECK(log == expected);
}

TEST_CASE("create_task of a callable returns a handle of its result, and takes a name") {
    VirtualTimePort port;
    Loop loop{port};
    auto main = [&]() -> Task<> {
        auto sum = create_task(named{"sum"}, adds, 1, 2);
        CHECK(sum.name() == "sum");
        const int three = co_await sum;
        CHECK(three == 3);
        auto other = loop.create_task(named{"other"}, adds, 3, 4);
        CHECK(other.name() == "other");
        const int seven = co_await other;
        CHECK(seven == 7);
        int base = 10;
        auto unnamed = loop.create_task(
            [base](int n) -> Task<int> {
                co_await yield();
                co_return base + n;
            },
            5);
        CHECK(unnamed.name().empty());
        const int fifteen = co_await unnamed;
        CHECK(fifteen == 15);
    };
    auto before_it_runs = loop.create_task([value = std::make_unique<int>(4)]() -> Task<int> {
        co_await yield();
        co_return *value;
    });
    loop.run(main());
    CHECK(before_it_runs.result() == 4);
}

TEST_CASE("create_task of a callable stores the arguments, to which the coroutine may refer") {
    auto main = []() -> Task<> {
        std::string text(40, 'x');
        auto first = create_task(reads, text, std::string(40, 'y'));
        auto second = create_task(reads, std::string(40, 'z'), std::string("literal"));
        text.clear();
        const std::string a = co_await first;
        const std::string b = co_await second;
        CHECK(a == std::string(40, 'x').append(40, 'y'));
        CHECK(b == std::string(40, 'z').append("literal"));
        int counter = 0;
        co_await create_task(
            [](int& n) -> Task<> {
                co_await yield();
                ++n;
            },
            std::ref(counter));
        CHECK(counter == 1);
    };
    run_virtual(main());
}

TEST_CASE("create_task takes callables, arguments and results that are move-only") {
    auto main = []() -> Task<> {
        auto callable = [value = std::make_unique<int>(1)](std::unique_ptr<int> more) -> Task<std::unique_ptr<int>> {
            co_await sleep(1s);
            co_return std::make_unique<int>(*value + *more);
        };
        auto task = create_task(std::move(callable), std::make_unique<int>(2));
        auto sum = co_await task;
        CHECK(*sum == 3);
        // A callable that is no lambda, and is called as an lvalue.
        struct Counts {
            int calls = 0;
            Task<int> operator()() & {
                ++calls;
                co_await yield();
                co_return calls;
            }
        };
        auto counts = create_task(Counts());
        const int calls = co_await counts;
        CHECK(calls == 1);
    };
    run_virtual(main());
}

TEST_CASE("what create_task stores is destroyed when the task ends, even if its handle is kept") {
    Log log;
    auto main = [&]() -> Task<> {
        auto capture = std::make_shared<Mark>(log, "capture");
        auto argument = std::make_shared<Mark>(log, "argument");
        auto kept =
            create_task([capture](std::shared_ptr<Mark>&) -> Task<> { co_await sleep(1s); }, std::ref(argument));
        capture.reset();
        co_await sleep(0s);
        log("runs");
        co_await kept;
        log("ended");
        auto doomed = create_task([held = std::make_shared<Mark>(log, "held")](
                                      const std::shared_ptr<Mark>&) -> Task<> { co_await sleep(1h); },
                                  std::move(argument));
        co_await yield();
        doomed.cancel();
        co_await doomed.outcome();
        log("cancelled");
        auto never = create_task([held = std::make_shared<Mark>(log, "unused")]() -> Task<> { co_return; });
        never.cancel(); // before it starts
        co_await never.outcome();
        CHECK(never.cancelled());
        log("end");
    };
    run_virtual(main());
    CHECK(log == "runs capture ended argument held cancelled unused end");
}

TEST_CASE("a TaskGroup stores a callable, too") {
    Log log;
    auto main = [&]() -> Task<> {
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            for (int i = 0; i < 2; ++i) {
                std::string word = "a long string, which has number ";
                word += std::to_string(i);
                group.create_task([word, &log]() -> Task<> {
                    co_await sleep(1s);
                    log(word);
                });
            }
            auto sum = group.create_task(named{"sum"}, adds, 2, 3);
            CHECK(sum.name() == "sum");
            const int five = co_await sum;
            CHECK(five == 5);
        });
    };
    run_virtual(main());
    CHECK(log == "a long string, which has number 0 a long string, which has number 1");
}

#if ROUSE_EXCEPTIONS
TEST_CASE("an exception of the callable or of its coroutine ends the task of create_task") {
    auto main = []() -> Task<> {
        auto in_call = create_task([](bool) -> Task<int> { throw 1; }, true);
        auto in_coroutine = create_task([]() -> Task<int> {
            co_await yield();
            throw 2;
        });
        auto empty = create_task([]() { return Task<int>{}; });
        for (auto* each : {&in_call, &in_coroutine, &empty}) co_await each->outcome();
        CHECK_THROWS_AS(in_call.result(), int);
        CHECK_THROWS_AS(in_coroutine.result(), int);
        CHECK_THROWS_WITH(empty.result(), test::ContainsSubstring("the callable returned an empty Task"));
    };
    run_virtual(main());
}
#endif

TEST_CASE("create_task accepts every reference that does not refer to a converted argument") {
    auto main = []() -> Task<> {
        struct Base {
            int value = 1;
        };
        struct Derived : Base {};
        int five = 5;
        Derived derived;
        auto a = create_task([](const Base& base) -> Task<int> { co_return base.value; }, derived);
        auto b = create_task([](const Base& base) -> Task<int> { co_return base.value; }, std::cref(derived));
        auto c = create_task([](const int& n, int& m, auto&& any) -> Task<int> { co_return n + m + any; }, 2,
                             std::ref(five), 3);
        auto d = create_task([](const int& n) mutable noexcept -> Task<int> { co_return n; }, std::ref(five));
        auto e = create_task([](std::string text) -> Task<int> { co_return static_cast<int>(text.size()); }, "four");
        const int sum = co_await a + co_await b;
        CHECK(sum == 2);
        const int ten = co_await c;
        CHECK(ten == 10);
        const int again = co_await d;
        CHECK(again == 5);
        const int four = co_await e;
        CHECK(four == 4);
    };
    run_virtual(main());
}
