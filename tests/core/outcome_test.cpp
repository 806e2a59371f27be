#include <rouse/core/outcome.hpp>

#include <memory>

#include "support/catch.hpp"
#include "support/misuse.hpp"

using rouse::Outcome;

TEST_CASE("an outcome is exactly one of value, error, cancelled and timed out") {
    auto value = Outcome<int>::of_value(3);
    CHECK(value.has_value());
    CHECK(static_cast<bool>(value));
    CHECK(value.value() == 3);
    CHECK(!value.cancelled());
    CHECK(!value.timed_out());

    const auto cancelled = Outcome<int>::of_cancelled();
    CHECK(!cancelled.has_value());
    CHECK(cancelled.cancelled());

    const auto late = Outcome<void>::of_timed_out();
    CHECK(!late.has_value());
    CHECK(late.timed_out());
    CHECK(Outcome<void>::of_value().has_value());
}

TEST_CASE("a const outcome can be read") {
    const auto value = Outcome<int>::of_value(3);
    static_assert(std::is_same_v<decltype(value.value()), const int&>);
    CHECK(value.value() == 3);
    const auto nothing = Outcome<void>::of_value();
    static_assert(std::is_void_v<decltype(nothing.value())>);
    nothing.value();
    int number = 1;
    const auto reference = Outcome<int&>::of_value(number);
    reference.value() = 2;
    CHECK(number == 2);
}

TEST_CASE("an outcome holds what can only be moved, and references") {
    auto pointer = Outcome<std::unique_ptr<int>>::of_value(std::make_unique<int>(5));
    CHECK(*std::move(pointer).value() == 5);
    int number = 1;
    auto reference = Outcome<int&>::of_value(number);
    reference.value() = 2;
    CHECK(number == 2);
}

#if ROUSE_EXCEPTIONS

TEST_CASE("value throws what the task threw, CancelledError or TimeoutError") {
    auto error = Outcome<int>::of_error(std::make_exception_ptr(42));
    CHECK(error.error() != nullptr);
    CHECK_THROWS_AS(error.value(), int);
    CHECK_THROWS_AS(Outcome<int>::of_cancelled().value(), rouse::CancelledError);
    CHECK_THROWS_AS(Outcome<void>::of_timed_out().value(), rouse::TimeoutError);
}

#else

TEST_CASE("without exceptions the value of a cancelled task is a panic that says so") {
    CHECK(test::contains(test::misuse_of([] { Outcome<int>::of_cancelled().value(); }), "Outcome::value"));
}

#endif
