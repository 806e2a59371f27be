#include <rouse/io/reply.hpp>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>

#include <rouse/io/stream_error.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"

using namespace rouse;

static_assert(std::is_same_v<Reply<int>, std::conditional_t<ROUSE_EXCEPTIONS, int, Result<int>>>);
static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
static_assert(std::is_move_constructible_v<Result<std::unique_ptr<int>>>);

TEST_CASE("a Result holds a value") {
    Result<std::string> text{"words"};
    CHECK(text.has_value());
    CHECK(text.value() == "words");
    CHECK(text->size() == 5);
    CHECK_FALSE(text.error());
    const std::string taken = *std::move(text);
    CHECK(taken == "words");
    CHECK(Result<void>{}.has_value());
    Result<std::optional<int>> none{std::nullopt};
    CHECK(none.has_value());
    CHECK_FALSE(none->has_value());
}

TEST_CASE("a Result holds an error, which says what was being done and why it failed") {
    const Result<int> result{Error{ECONNREFUSED, "cannot connect to here port 1"}};
    CHECK_FALSE(result);
    CHECK(result.error().code() == std::errc::connection_refused);
    CHECK(result.error().what() == "rouse: cannot connect to here port 1: Connection refused");
    CHECK_FALSE(Result<void>{Error{EPIPE, "cannot write"}}.has_value());
}

TEST_CASE("the value of a Result that is an error is bad use") {
    CHECK(test::contains(test::misuse_of([] {
                             Result<int> result{Error{EPIPE, "cannot write"}};
                             static_cast<void>(result.value());
                         }),
                         "rouse: Result::value: there is an error; ask has_value() first"));
}

TEST_CASE("the errors of a reader have a category of their own") {
    const std::error_code early = StreamErrc::incomplete_read;
    const std::error_code overrun = StreamErrc::limit_overrun;
    CHECK(early.category() == stream_category());
    CHECK(early.message() == "the connection ended before all that was asked for had come");
    CHECK(overrun.message() == "there is no end of the line within the limit");
    CHECK(early != overrun);
}

#if ROUSE_EXCEPTIONS
TEST_CASE("failed() throws what the error says") {
    std::string said;
    try {
        static_cast<void>(detail::failed<int>(EPIPE, "cannot write to them"));
    } catch (const std::system_error& error) {
        said = error.what();
    }
    CHECK(said == "rouse: cannot write to them: Broken pipe");
    said = "";
    try {
        static_cast<void>(detail::ended_early<int>("par", 5, "them"));
    } catch (const IncompleteRead& error) {
        said = error.partial;
    }
    CHECK(said == "par");
}
#else
TEST_CASE("failed() gives what the error says") {
    CHECK(detail::failed<int>(EPIPE, "cannot write to them").error().what() ==
          "rouse: cannot write to them: Broken pipe");
    const Error early = detail::ended_early<int>("par", 5, "them").error();
    CHECK(early.code() == StreamErrc::incomplete_read);
    CHECK(early.partial() == "par");
    CHECK(early.what() ==
          "rouse: cannot read 5 bytes from them: the connection ended before all that was asked for had come");
}
#endif
