#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/error.hpp>

#include <exception>
#include <string>
#include <type_traits>

#include "support/catch.hpp"
#include "support/misuse.hpp"

using namespace rouse;

// catch (const std::exception&) must not swallow a cancellation, and must see everything else.
static_assert(!std::is_base_of_v<std::exception, CancelledError>);
static_assert(std::is_base_of_v<std::exception, TimeoutError>);
static_assert(std::is_base_of_v<std::exception, QueueClosed>);
static_assert(std::is_base_of_v<std::exception, UsageError>);

// And the cancellation cannot be taken for any of the others.
static_assert(!std::is_convertible_v<CancelledError*, TimeoutError*>);
static_assert(!std::is_convertible_v<TimeoutError*, UsageError*>);

TEST_CASE("every error says what has happened, and that rouse says so") {
    CHECK(std::string{CancelledError{}.what()} == "rouse: the task was cancelled");
    CHECK(std::string{TimeoutError{}.what()} == "rouse: the time is up");
    CHECK(std::string{QueueClosed{}.what()} == "rouse: the queue is closed and empty");
    const TimeoutError timeout;
    const std::exception& seen_as_base = timeout;
    CHECK(std::string{seen_as_base.what()} == timeout.what());
}

TEST_CASE("a usage error gives back the message that it was made with, without a copy") {
    static constexpr const char* message = "rouse: Thing::use: not so";
    const UsageError error{message};
    const UsageError copy = error;
    CHECK(copy.what() == message);
}

TEST_CASE("misuse does not return, and tells its message") {
    bool returned = false;
    const std::string told = test::misuse_of([&] {
        detail::misuse("rouse: Thing::use: not so");
        returned = true;
    });
    CHECK(!returned);
#if ROUSE_EXCEPTIONS
    CHECK(told == "rouse: Thing::use: not so"); // and reported once, or misuse_of() would say so
#else
    CHECK(told == "rouse: Thing::use: not so\n"); // on stderr, before abort()
#endif
}
