#include <rouse/io/detail/file_calls.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <unistd.h>

#include "support/catch.hpp"

using namespace rouse::detail;

// A pipe whose ends block.
struct Ends {
    Ends() { REQUIRE(::pipe(ends) == 0); }
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() {
        ::close(ends[0]);
        if (ends[1] >= 0) ::close(ends[1]);
    }
    int ends[2]{};
};

TEST_CASE("file calls: a read from a blocking pipe does not wait") {
    const Ends pipe;
    std::array<char, 10> bytes{};
    CHECK(read_file(pipe.ends[0], bytes, Calls::of_file_that_may_wait) == -1);
    CHECK(errno == EAGAIN);
    REQUIRE(::write(pipe.ends[1], "abc", 3) == 3);
    CHECK(read_file(pipe.ends[0], bytes, Calls::of_file_that_may_wait) == 3);
}

TEST_CASE("file calls: the end of a blocking pipe is found") {
    Ends pipe;
    ::close(pipe.ends[1]);
    pipe.ends[1] = -1;
    std::array<char, 10> bytes{};
    CHECK(read_file(pipe.ends[0], bytes, Calls::of_file_that_may_wait) == 0);
}

TEST_CASE("file calls: a write to a blocking pipe does not wait when it is full") {
    const Ends pipe;
    const std::string bytes(100'000, 'x');
    std::size_t written = 0;
    ssize_t count = 0;
    while ((count = write_file(pipe.ends[1], bytes, Calls::of_file_that_may_wait)) > 0) {
        written += static_cast<std::size_t>(count);
        REQUIRE(written < 10'000'000);
    }
    CHECK(errno == EAGAIN);
    CHECK(written >= 4096);
}

TEST_CASE("file calls: a write that nobody reads is EPIPE, and the mask and the pending signals are as before") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    for (const Calls calls : {Calls::of_file, Calls::of_file_that_may_wait}) {
        CHECK(write_file(ends[1], "x", calls) == -1);
        CHECK(errno == EPIPE);
        sigset_t pending{};
        sigset_t mask{};
        ::sigpending(&pending);
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        CHECK(::sigismember(&pending, SIGPIPE) == 0);
        CHECK(::sigismember(&mask, SIGPIPE) == 0);
    }
    ::close(ends[1]);
}
