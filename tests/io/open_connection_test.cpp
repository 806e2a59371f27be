#include <rouse/io/open_connection.hpp>

#include <chrono>
#include <system_error>
#include <vector>

#include <rouse/ports/virtual_time.hpp>

#include "loopback.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::Plain;
using loopback::thrown;

TEST_CASE("a refused connection is an error that names host and port") {
    std::uint16_t port = 0;
    port = Plain::listening().port(); // and closed
    const auto what = run(thrown<std::system_error>(open_connection("127.0.0.1", port)));
    CHECK(what == "rouse: cannot connect to 127.0.0.1 port " + std::to_string(port) + ": Connection refused");
}

TEST_CASE("connecting to a name that cannot be resolved is an error that names it") {
    const auto what = run(thrown<std::system_error>(open_connection("nosuch.invalid", 1)));
    CHECK_THAT(what, Catch::Matchers::StartsWith("rouse: cannot resolve nosuch.invalid: "));
}

TEST_CASE("each address of a host is tried; an empty name is this machine") {
    const Plain listener = Plain::listening(); // on IPv4 only
    CHECK(run(thrown<std::system_error>(open_connection("", listener.port()))).empty());
}

TEST_CASE("a refused connection leaves no descriptor open") {
    const auto before = loopback::open_descriptors();
    run(thrown<std::system_error>(open_connection("127.0.0.1", 1)));
    CHECK(loopback::open_descriptors() == before);
}

static Task<> cancel_while_connecting() {
    const Plain listener = Plain::listening(0);
    std::vector<TaskHandle<std::pair<StreamReader, StreamWriter>>> attempts;
    for (int i = 0; i < 8; ++i) attempts.push_back(create_task(open_connection("127.0.0.1", listener.port())));
    co_await sleep(50ms);
    CHECK_FALSE(attempts.back().done()); // nobody accepts, and the backlog is full
    const auto before = loopback::open_descriptors();
    attempts.back().cancel();
    static_cast<void>(co_await attempts.back().outcome());
    CHECK(attempts.back().cancelled());
    CHECK(loopback::open_descriptors() == before - 1);
}

TEST_CASE("a cancelled connect closes what it had begun") { loopback::bounded(cancel_while_connecting()); }

TEST_CASE("a connection needs a port that can watch descriptors, and says so") {
    VirtualTimePort port;
    Loop loop{port};
    const Plain listener = Plain::listening();
    const auto before = loopback::open_descriptors();
    CHECK(loop.run(thrown<UsageError>(open_connection("127.0.0.1", listener.port()))) ==
          "rouse: Loop: its port cannot watch descriptors; for input and output use DefaultPort, as run() does");
    CHECK(loopback::open_descriptors() == before);
}
