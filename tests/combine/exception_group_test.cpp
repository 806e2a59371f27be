#include <rouse/combine/exception_group.hpp>

#include <rouse/combine/task_group.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

#if ROUSE_EXCEPTIONS
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

using namespace test;

namespace {

std::exception_ptr error(const char* what) { return std::make_exception_ptr(std::runtime_error{what}); }

std::string message_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& each) {
        return each.what();
    }
}

Task<> fails(std::string what, Clock::duration after) {
    co_await sleep(after);
    throw std::runtime_error{what};
}

// Fails when it is cancelled.
Task<> fails_to_clean_up(std::string what) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        throw std::logic_error{what};
    }
}

// What a TaskGroup with this body throws.
template <class Body>
ExceptionGroup thrown_by(Body body) {
    ExceptionGroup thrown{{}};
    auto main = [&]() -> Task<> {
        try {
            co_await TaskGroup::run(body);
        } catch (const ExceptionGroup& group) {
            thrown = group;
        }
    };
    run_virtual(main());
    return thrown;
}

} // namespace

TEST_CASE("an ExceptionGroup names the number of errors and the first of them") {
    const ExceptionGroup one{{error("no such file")}};
    CHECK(one.what() == std::string{"rouse: 1 task of a TaskGroup has failed; the first: no such file"});
    const ExceptionGroup two{{error("later"), error("no such file")}, 1};
    CHECK(two.what() == std::string{"rouse: 2 tasks of a TaskGroup have failed; the first: no such file"});
    CHECK(two.errors().size() == 2);
    CHECK(message_of(two.errors().front()) == "later");
    CHECK(message_of(two.first()) == "no such file");
}

TEST_CASE("an ExceptionGroup of what is not a std::exception, of a long message, and of nothing, has a what(), too") {
    const ExceptionGroup number{{std::make_exception_ptr(5)}};
    CHECK(number.what() == std::string{"rouse: 1 task of a TaskGroup has failed; the first: not a std::exception"});
    const std::string text(5000, 'x');
    const ExceptionGroup longer{{error(text.c_str())}};
    CHECK(longer.what() == "rouse: 1 task of a TaskGroup has failed; the first: " + text);
    const ExceptionGroup none{{}};
    CHECK(none.first() == nullptr);
    CHECK(none.what() == std::string{"rouse: 0 tasks of a TaskGroup have failed; the first: of unknown cause"});
}

TEST_CASE("copying an ExceptionGroup does not throw, and its message outlives the original") {
    static_assert(std::is_nothrow_copy_constructible_v<ExceptionGroup>);
    static_assert(std::is_nothrow_copy_assignable_v<ExceptionGroup>);
    const auto copy = [] { return ExceptionGroup{ExceptionGroup{{error("gone")}}}; }();
    CHECK(std::string{static_cast<const std::exception&>(copy).what()}.ends_with("the first: gone"));
}

TEST_CASE("a group inside a group names the first cause of all") {
    const auto outer = thrown_by([](TaskGroup& group) -> Task<> {
        const auto inner = [](TaskGroup& of) -> Task<> {
            of.create_task(fails("no such file", 1s));
            co_return;
        };
        group.create_task(TaskGroup::run(inner));
        co_await sleep(2s);
    });
    CHECK(std::string{outer.what()}.ends_with("the first: no such file"));
}

TEST_CASE("the first error of a TaskGroup is that of the task that failed first, or of the body if it failed first") {
    const auto task_first = thrown_by([](TaskGroup& group) -> Task<> {
        group.create_task(fails_to_clean_up("second"));
        group.create_task(fails("first", 1s));
        co_await fails_to_clean_up("third");
    });
    CHECK(task_first.errors().size() == 3);
    CHECK(message_of(task_first.first()) == "first");
    const auto body_first = thrown_by([](TaskGroup& group) -> Task<> {
        group.create_task(fails_to_clean_up("second"));
        co_await fails("first", 1s);
    });
    CHECK(body_first.errors().size() == 2);
    CHECK(message_of(body_first.errors().front()) == "second"); // that of the body is the last, as in CPython
    CHECK(message_of(body_first.first()) == "first");
    const auto body_is_no_coroutine = thrown_by([](TaskGroup& group) -> Task<> {
        group.create_task(fails("never starts", 1s));
        throw std::runtime_error{"first"};
    });
    CHECK(message_of(body_is_no_coroutine.first()) == "first");
}

TEST_CASE(
    "with first_error a TaskGroup throws the first error itself, which is caught by its type, after all have ended") {
    for (const bool body_fails : {false, true}) {
        Log log;
        auto main = [&]() -> Task<> {
            const auto body = [&](TaskGroup& group) -> Task<> {
                const auto fails_with_code = [&]() -> Task<> {
                    Mark mark{log, "failed"};
                    co_await sleep(1s);
                    throw std::system_error{std::make_error_code(std::errc::connection_refused)};
                };
                group.create_task(fails_to_clean_up("another"));
                group.create_task([&]() -> Task<> {
                    Mark mark{log, "ended"};
                    co_await sleep(1h);
                });
                if (body_fails) co_await fails_with_code();
                group.create_task(fails_with_code);
                co_await sleep(1h);
            };
            try {
                co_await TaskGroup::run(first_error, body);
            } catch (const std::system_error& error) {
                if (error.code() == std::errc::connection_refused) log("caught");
            }
        };
        run_virtual(main());
        CHECK(log == "failed ended caught");
    }
}

TEST_CASE(
    "with first_error a TaskGroup in which nothing fails returns, and one that is cancelled throws CancelledError") {
    auto main = []() -> Task<> {
        const auto body = [](TaskGroup& group) -> Task<> {
            group.create_task(sleep(1s));
            co_return;
        };
        co_await TaskGroup::run(first_error, body);
        CHECK(Clock::now() == TimePoint{1s});
        const auto waits = create_task(TaskGroup::run(first_error, body));
        co_await yield();
        waits.cancel();
        const auto outcome = co_await waits.outcome();
        CHECK(outcome.cancelled());
    };
    run_virtual(main());
}
#else
TEST_CASE("without exceptions there is no ExceptionGroup, and first_error changes nothing") {
    test::Log log;
    auto main = [&]() -> rouse::Task<> {
        const auto body = [&](rouse::TaskGroup& group) -> rouse::Task<> {
            group.create_task(rouse::sleep(std::chrono::seconds{1}));
            log("body");
            co_return;
        };
        co_await rouse::TaskGroup::run(rouse::first_error, body);
        log("ended");
    };
    test::run_virtual(main());
    CHECK(log == "body ended");
}
#endif
