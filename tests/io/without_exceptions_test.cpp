// io/ in the build without exceptions: every failure is the error() of a Result. (What else streams, servers and
// sockets do is tested in the build with exceptions: it is the same code.)
#include <rouse/io/io.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/rouse.hpp>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"

#if ROUSE_EXCEPTIONS
#error "this test is for the build without exceptions"
#endif

using namespace rouse;
using namespace std::chrono_literals;
using test::contains;

// No test takes longer than this many seconds.
static void bounded(Task<> test) {
    ::alarm(30);
    run(std::move(test));
    ::alarm(0);
}

static Task<> echo_lines(StreamReader reader, StreamWriter writer) {
    for (;;) {
        auto line = co_await reader.readline(1000);
        if (!line || line->empty()) co_return;
        writer.write(*line);
        auto drained = co_await writer.drain();
        if (!drained) co_return;
    }
}

// A server whose handler is `handler`; the test fails if it cannot be had.
template <class Handler>
static Task<Server> serving(Handler handler) {
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    REQUIRE(server.has_value());
    co_return std::move(*server);
}

static Task<Streams> connected(std::uint16_t port) {
    auto streams = co_await open_connection("127.0.0.1", port);
    REQUIRE(streams.has_value());
    co_return std::move(*streams);
}

static Task<> ends(Server server) {
    server.close();
    co_await server.wait_closed();
}

// ---- all is well ----------------------------------------------------------------------------------------------------

static Task<> echo() {
    Server server = co_await serving(echo_lines);
    auto [reader, writer] = co_await connected(server.port());
    writer.writelines({"one\n", "two\n", "three"});
    auto drained = co_await writer.drain();
    CHECK(drained.has_value());
    CHECK(writer.set_nodelay(true).has_value());
    writer.write_eof();
    auto one = co_await reader.readline();
    CHECK(one.value() == "one\n");
    auto two = co_await reader.readuntil("o\n");
    CHECK(two.value() == "two\n");
    std::array<char, 3> bytes{};
    auto count = co_await reader.readinto(bytes);
    CHECK(count.value() == 3);
    auto rest = co_await reader.readexactly(1);
    CHECK(rest.value() == "e");
    auto last = co_await reader.read();
    CHECK(last.value() == "e");
    auto end = co_await reader.read(10);
    CHECK(end.value().empty());
    writer.close();
    auto closed = co_await writer.wait_closed();
    CHECK(closed.has_value());
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: an echo") { bounded(echo()); }

static Task<> all_lines() {
    const auto talks = [](StreamReader, StreamWriter writer) -> Task<> {
        writer.write("a\nb\nc");
        co_return;
    };
    Server server = co_await serving(talks);
    auto [reader, writer] = co_await connected(server.port());
    std::string all;
    while (auto line = co_await reader.next_line()) {
        if (!*line) break;
        all += **line + "|";
    }
    CHECK(all == "a\n|b\n|c|");
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: the lines until the end") { bounded(all_lines()); }

static Task<> unix_echo() {
    const std::string path = "/tmp/rouse-without-" + std::to_string(::getpid());
    auto server = co_await start_unix_server(echo_lines, path);
    REQUIRE(server.has_value());
    auto streams = co_await open_unix_connection(path);
    REQUIRE(streams.has_value());
    streams->second.write("here\n");
    auto line = co_await streams->first.readline();
    CHECK(line.value() == "here\n");
    co_await ends(std::move(*server));
    auto gone = co_await open_unix_connection(path);
    CHECK(gone.error().code() == std::errc::no_such_file_or_directory);
    CHECK(gone.error().what() == "rouse: cannot connect to " + path + ": No such file or directory");
    auto too_long = co_await open_unix_connection("/tmp/" + std::string(200, 'x'));
    CHECK(too_long.error().code() == std::errc::filename_too_long);
    auto no_folder = co_await start_unix_server(echo_lines, "/no/such/folder/x");
    CHECK(no_folder.error().what() == "rouse: cannot listen on /no/such/folder/x: No such file or directory");
}
TEST_CASE("without exceptions: a Unix socket, and paths that are not there") { bounded(unix_echo()); }

static Task<> datagrams() {
    auto server = DatagramSocket::bind("127.0.0.1", 0);
    REQUIRE(server.has_value());
    auto client = DatagramSocket::connect("127.0.0.1", server->local().port());
    REQUIRE(client.has_value());
    auto sent = co_await client->send("ping");
    CHECK(sent.has_value());
    auto got = co_await server->receive();
    REQUIRE(got.has_value());
    CHECK(got->bytes == "ping");
    auto answered = co_await server->send_to("pong", got->from);
    CHECK(answered.has_value());
    std::array<char, 10> bytes{};
    auto into = co_await client->receive_into(bytes);
    CHECK(into->bytes == 4);
    auto large = co_await client->send(std::string(100'000, 'x'));
    CHECK(large.error().code() == std::errc::message_size);
    CHECK(contains(large.error().what(), "rouse: cannot send a datagram of 100000 bytes to 127.0.0.1:"));
    CHECK(DatagramSocket::bind("127.0.0.1", server->local().port()).error().code() == std::errc::address_in_use);
    server->close();
    auto late = co_await server->receive();
    CHECK(late.error().code() == std::errc::bad_file_descriptor);
}
TEST_CASE("without exceptions: datagrams, and what goes wrong with them") { bounded(datagrams()); }

static Task<> pipes() {
    int descriptors[2];
    REQUIRE(::pipe2(descriptors, O_CLOEXEC) == 0);
    CHECK(open_pipe_reader(descriptors[1]).error().code() == std::errc::bad_file_descriptor);
    auto reader = open_pipe_reader(descriptors[0]);
    auto writer = open_pipe_writer(descriptors[1]);
    REQUIRE(reader.has_value());
    REQUIRE(writer.has_value());
    writer->write("through\n");
    auto line = co_await reader->readline();
    CHECK(line.value() == "through\n");
    {
        const StreamReader gone = std::move(*reader);
    }
    writer->write("nobody");
    auto drained = co_await writer->drain();
    CHECK(drained.error().code() == std::errc::broken_pipe);
}
TEST_CASE("without exceptions: a pipe, and a reader that has gone") { bounded(pipes()); }

// ---- connections that are not made ----------------------------------------------------------------------------------

static Task<> refused() {
    std::uint16_t port = 0;
    {
        Server server = co_await serving(echo_lines);
        port = server.port();
        co_await ends(std::move(server));
    }
    auto streams = co_await open_connection("127.0.0.1", port);
    CHECK_FALSE(streams.has_value());
    CHECK(streams.error().code() == std::errc::connection_refused);
    CHECK(streams.error().what() ==
          "rouse: cannot connect to 127.0.0.1 port " + std::to_string(port) + ": Connection refused");
}
TEST_CASE("without exceptions: a connection that is refused") { bounded(refused()); }

static Task<> unknown_host() {
    auto streams = co_await open_connection("no-such-host.invalid", 80);
    CHECK(streams.error().code().category() == resolve_category());
    CHECK(contains(streams.error().what(), "rouse: cannot resolve no-such-host.invalid: "));
    auto server = co_await start_server(echo_lines, "no-such-host.invalid", 0);
    CHECK(server.error().code().category() == resolve_category());
    CHECK_FALSE(DatagramSocket::bind("no-such-host.invalid", 0).has_value());
}
TEST_CASE("without exceptions: a host that contains a NUL is an error, not what precedes the NUL") {
    bounded([]() -> Task<> {
        const std::string host{"127.0.0.1\0.example.com", 22};
        auto streams = co_await open_connection(host, 80);
        CHECK(streams.error().code() == std::errc::invalid_argument);
        CHECK(contains(streams.error().what(), "rouse: cannot resolve 127.0.0.1\\0.example.com, which contains a NUL"));
    }());
}

TEST_CASE("without exceptions: a name that does not exist") { bounded(unknown_host()); }

static Task<> port_in_use() {
    Server server = co_await serving(echo_lines);
    auto second = co_await start_server(echo_lines, "127.0.0.1", server.port());
    CHECK(second.error().code() == std::errc::address_in_use);
    CHECK(contains(second.error().what(), "rouse: cannot listen on 127.0.0.1 port " + std::to_string(server.port())));
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: a port that is in use") { bounded(port_in_use()); }

// ---- connections that fail ------------------------------------------------------------------------------------------

// Says "abc", and ends; or is cancelled later, which resets what was written.
static Task<> says_little(StreamReader, StreamWriter writer) {
    writer.write("abc");
    co_return;
}

static Task<> incomplete() {
    Server server = co_await serving(says_little);
    auto [reader, writer] = co_await connected(server.port());
    auto five = co_await reader.readexactly(5);
    CHECK_FALSE(five.has_value());
    CHECK(five.error().code() == StreamErrc::incomplete_read);
    CHECK(five.error().partial() == "abc");
    CHECK(five.error().what() == "rouse: cannot read 5 bytes from connection with 127.0.0.1 port " +
                                     std::to_string(server.port()) +
                                     ": the connection ended before all that was asked for had come");
    auto [again, other] = co_await connected(server.port());
    auto until = co_await again.readuntil(";");
    CHECK(until.error().code() == StreamErrc::incomplete_read);
    CHECK(until.error().partial() == "abc");
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: an end that comes too early, and what came before it") { bounded(incomplete()); }

static Task<> says_long_lines(StreamReader, StreamWriter writer) {
    writer.write("abc\nd\nef\n");
    co_return;
}

static Task<> long_line() {
    Server server = co_await serving(says_long_lines);
    auto [reader, writer] = co_await connected(server.port());
    auto until = co_await reader.readuntil("\n", 2);
    CHECK(until.error().code() == StreamErrc::limit_overrun);
    CHECK(until.error().consumed() == 3);
    auto line = co_await reader.readline(2);
    CHECK(line.error().code() == StreamErrc::limit_overrun);
    auto fits = co_await reader.readline(2);
    CHECK(fits.value() == "d\n");
    auto next = co_await reader.next_line(2);
    CHECK(next.error().code() == StreamErrc::limit_overrun);
    auto rest = co_await reader.read();
    CHECK(rest.value().empty());
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: a line that is too long is dropped, but not by readuntil") { bounded(long_line()); }

static Task<> writes_for_ever(StreamReader, StreamWriter writer) {
    for (;;) {
        writer.write(std::string(100'000, 'x'));
        auto drained = co_await writer.drain();
        if (!drained) co_return;
    }
}

static Task<> cancelled_handler() {
    Server server = co_await serving(writes_for_ever);
    auto [reader, writer] = co_await connected(server.port());
    auto some = co_await reader.readexactly(1000);
    CHECK(some.has_value());
    CHECK(server.clients() == 1);
    server.close(); // cancels the handler in the middle of what it writes: the connection is reset
    co_await server.wait_closed();
    CHECK(server.clients() == 0);
    auto rest = co_await reader.read();
    CHECK(rest.error().code() == std::errc::connection_reset);
    CHECK(contains(rest.error().what(), "rouse: connection with 127.0.0.1 port "));
    writer.write("more");
    auto drained = co_await writer.drain();
    CHECK(drained.error().code() == std::errc::connection_reset);
    writer.close();
    auto closed = co_await writer.wait_closed();
    CHECK(closed.error().code() == std::errc::connection_reset);
}
TEST_CASE("without exceptions: a handler that is cancelled resets its connection, and every wait of the peer says so") {
    bounded(cancelled_handler());
}

static Task<> peer_goes_away() {
    Server server = co_await serving(writes_for_ever);
    {
        auto [reader, writer] = co_await connected(server.port());
        auto some = co_await reader.readexactly(1000);
        CHECK(some.has_value());
    } // closed with bytes that were not read: a reset
    for (int i = 0; i < 1000 && server.clients() > 0; ++i) co_await sleep(1ms);
    CHECK(server.clients() == 0); // its drain() has told it
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: a handler finds that its peer has gone") { bounded(peer_goes_away()); }

// ---- time limits and cancellation -----------------------------------------------------------------------------------

static Task<> silent(StreamReader reader, StreamWriter writer) {
    auto line = co_await reader.readline();
    if (line) writer.write("heard " + *line);
}

static Task<> time_limit() {
    Server server = co_await serving(silent);
    auto [reader, writer] = co_await connected(server.port());
    auto late = co_await try_wait_for(reader.readline(), 5ms);
    CHECK(late.timed_out());
    writer.write("you\n");
    auto heard = co_await try_wait_for(reader.readline(), 5s);
    REQUIRE(heard.has_value());
    CHECK(heard.value().value() == "heard you\n");
    const auto reading = create_task(reader.read(1));
    auto end = co_await reading.outcome();
    CHECK(end.value().value().empty());
    co_await ends(std::move(server));
}
TEST_CASE("without exceptions: a wait with a time limit loses nothing") { bounded(time_limit()); }

static Task<> most_clients() {
    ServerOptions options;
    options.most_clients = 1;
    auto server = co_await start_server(echo_lines, "127.0.0.1", 0, options);
    REQUIRE(server.has_value());
    auto [first_reader, first_writer] = co_await connected(server->port());
    auto [second_reader, second_writer] = co_await connected(server->port());
    second_writer.write("me too\n");
    auto late = co_await try_wait_for(second_reader.readline(), 10ms);
    CHECK(late.timed_out());
    first_writer.close();
    auto line = co_await second_reader.readline();
    CHECK(line.value() == "me too\n");
    co_await ends(std::move(*server));
}
TEST_CASE("without exceptions: a server with as many clients as it may have") { bounded(most_clients()); }

TEST_CASE("without exceptions: Ctrl-C cancels main, and the error says which signal it was") {
    CHECK(run_interruptible([]() -> Task<int> { co_return 7; }()).value() == 7);
    CHECK(run_interruptible([]() -> Task<> { co_await yield(); }()).has_value());
    CHECK(test::in_child([] {
              std::signal(SIGINT, SIG_DFL);
              bool destroyed = false;
              const auto result = run_interruptible([](bool& gone) -> Task<int> {
                  const auto guard = on_cancel([&gone] { gone = true; });
                  ::raise(SIGINT);
                  co_await sleep(1h);
                  co_return 7;
              }(destroyed));
              const Error error = result.error();
              return destroyed && error.code().category() == signal_category() && error.code().value() == SIGINT &&
                     error.what() == "rouse: main was cancelled by a signal: Interrupt";
          }).well());
    const auto cancelled = run_interruptible([]() -> Task<> {
        create_task([](TaskHandle<> main) -> Task<> {
            main.cancel();
            co_return;
        }(current_task()));
        co_await sleep(1h);
    }());
    CHECK(cancelled.error().code() == std::errc::operation_canceled);
}

static Task<> serve_until_cancelled() {
    Server server = co_await serving(echo_lines);
    auto serving_on = create_task(server.serve_forever(1h));
    auto [reader, writer] = co_await connected(server.port());
    co_await sleep(5ms);
    serving_on.cancel();
    co_await server.wait_closed();
    CHECK(server.clients() == 0);
    Server other = co_await serving(echo_lines);
    other.stop_listening();
    const std::size_t left = co_await other.close_within(1ms);
    CHECK(left == 0);
}
static Task<> wait_for_descriptors() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto room = co_await writable(ends[1]);
    CHECK(room.has_value());
    auto wrong = co_await readable(ends[1]);
    CHECK(wrong.error().code() == std::errc::bad_file_descriptor);
    CHECK(contains(wrong.error().what(), "rouse: cannot wait until descriptor " + std::to_string(ends[1]) +
                                             " is readable, as it is closed or open for writing only"));
    auto late = co_await try_wait_for(readable(ends[0]), 1ms);
    CHECK(late.timed_out());
    bool ended = false;
    auto waiting = create_task([](int descriptor, bool& flag) -> Task<> {
        auto there = co_await readable(descriptor);
        flag = there.has_value();
    }(ends[0], ended));
    co_await sleep(1ms);
    waiting.cancel(); // its frame is destroyed
    CHECK(::write(ends[1], "x", 1) == 1);
    auto there = co_await readable(ends[0]);
    CHECK(there.has_value());
    CHECK_FALSE(ended);
    ::close(ends[0]);
    ::close(ends[1]);
}
TEST_CASE("without exceptions: readable and writable return what is wrong") { bounded(wait_for_descriptors()); }

static Task<> open_serial_ports() {
    const int device = ::posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE((::grantpt(device) == 0 && ::unlockpt(device) == 0));
    auto wrong_rate = co_await open_serial(::ptsname(device), 12345);
    CHECK(wrong_rate.error().code() == std::errc::invalid_argument);
    auto streams = co_await open_serial(::ptsname(device), 9600);
    REQUIRE(streams.has_value());
    auto& [reader, writer] = *streams;
    CHECK(::write(device, "hello\n", 6) == 6);
    auto line = co_await reader.readline();
    CHECK(line.value() == "hello\n");
    ::close(device);
    auto rest = co_await reader.read();
    CHECK(rest.value().empty());
}
TEST_CASE("without exceptions: open_serial returns the streams, or what is wrong") { bounded(open_serial_ports()); }

TEST_CASE("without exceptions: serve_forever closes the server when it is cancelled") {
    bounded(serve_until_cancelled());
}

TEST_CASE("without exceptions: bad use is a panic") {
    CHECK(contains(test::misuse_of([] {
                       run([]() -> Task<> {
                           auto server = co_await start_server(echo_lines, "127.0.0.1", 0, {0, 0});
                           static_cast<void>(server);
                       }());
                   }),
                   "rouse: ServerOptions: the backlog must be at least 1"));
}
