#include <rouse/io/server.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loopback.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::bounded;
using loopback::echo;
using loopback::pattern;
using loopback::settle;
using loopback::thrown;
using loopback::until_cancelled;

// Sends `size` bytes and checks that they come back.
static Task<> exchange(std::uint16_t port, std::size_t size, std::string host = "127.0.0.1") {
    const std::string sent = pattern(size);
    auto [reader, writer] = co_await open_connection(host, port);
    writer.write(sent);
    writer.write_eof();
    const std::string got = co_await reader.read();
    CHECK(got == sent);
}

static Task<> echo_random_sizes() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    std::mt19937 random{1};
    std::vector<TaskHandle<>> clients;
    for (int i = 0; i < 50; ++i) {
        const std::size_t size = random() % (i < 45 ? 20'000 : 2'000'000);
        clients.push_back(create_task(exchange(server.port(), size)));
    }
    for (const auto& client : clients) co_await client;
    co_await settle();
    CHECK(server.clients() == 0);
}
TEST_CASE("a server serves many clients at once, whatever they send") { bounded(echo_random_sizes()); }

static Task<> client_that_never_reads() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    writer.write(pattern(20'000'000));
    co_await sleep(50ms);
    CHECK(writer.unsent() > 0); // the server does not read on
    co_await exchange(server.port(), 100'000);
    CHECK(server.clients() == 1);
    writer.write_eof();
    const std::string all = co_await reader.read();
    CHECK(all == pattern(20'000'000));
}
TEST_CASE("a client that does not read holds back only itself") { bounded(client_that_never_reads()); }

static Task<> close_cancels() {
    const auto before = loopback::open_descriptors();
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0);
    {
        auto first = co_await open_connection("127.0.0.1", server.port());
        auto second = co_await open_connection("127.0.0.1", server.port());
        co_await settle();
        CHECK(server.clients() == 2);
        server.close();
        co_await server.wait_closed();
        CHECK(server.clients() == 0);
        CHECK(loopback::open_descriptors() == before + 2);
        const auto got = co_await first.first.read();
        CHECK(got == "");
    }
    CHECK(loopback::open_descriptors() == before);
    const std::string what = co_await thrown<std::system_error>(open_connection("127.0.0.1", server.port()));
    CHECK_THAT(what, Catch::Matchers::EndsWith("Connection refused"));
}
TEST_CASE("close cancels the handlers and refuses further clients") { bounded(close_cancels()); }

// A connection whose handler has begun.
static Task<Streams> served(Server& server) {
    const std::size_t before = server.clients();
    Streams streams = co_await open_connection("127.0.0.1", server.port());
    while (server.clients() == before) co_await sleep(1ms);
    co_return streams;
}

static Task<> stop_listening() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await served(server);
    server.stop_listening();
    server.stop_listening();
    const std::string what = co_await thrown<std::system_error>(open_connection("127.0.0.1", server.port()));
    CHECK_THAT(what, Catch::Matchers::EndsWith("Connection refused"));
    auto waiting = create_task(server.wait_closed());
    writer.write("still served");
    const std::string got = co_await reader.readexactly(12);
    CHECK(got == "still served");
    CHECK(!waiting.done());
    writer.write_eof();
    co_await waiting;
    CHECK(server.clients() == 0);
}
TEST_CASE("stop_listening refuses further clients, lets the handlers continue, and wait_closed waits for them") {
    bounded(stop_listening());
}

static Task<> stop_then_close() {
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0);
    auto client = co_await served(server);
    server.stop_listening();
    server.close();
    co_await server.wait_closed();
    CHECK(server.clients() == 0);
    auto idle = co_await start_server(echo, "127.0.0.1", 0);
    idle.stop_listening();
    co_await idle.wait_closed();
}
TEST_CASE("close after stop_listening cancels the handlers; without handlers wait_closed returns at once") {
    bounded(stop_then_close());
}

static Task<> close_within_in_time() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await served(server);
    auto closing = create_task(server.close_within(1h));
    co_await settle();
    writer.write("last words");
    writer.write_eof();
    const std::string got = co_await reader.read();
    CHECK(got == "last words");
    const std::size_t cancelled = co_await closing;
    CHECK(cancelled == 0);
}
TEST_CASE("close_within lets handlers finish that do so in time") { bounded(close_within_in_time()); }

static Task<> close_within_too_late() {
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0);
    auto first = co_await served(server);
    auto second = co_await served(server);
    const std::size_t cancelled = co_await server.close_within(10ms);
    CHECK(cancelled == 2);
    CHECK(server.clients() == 0);
    const std::size_t again = co_await server.close_within(1h);
    CHECK(again == 0);
}
TEST_CASE("close_within cancels the handlers that remain, and returns their number when they have ended") {
    bounded(close_within_too_late());
}

static Task<> close_within_cancelled() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await served(server);
    auto closing = create_task(server.close_within(1h));
    co_await settle();
    closing.cancel();
    static_cast<void>(co_await closing.outcome());
    CHECK(closing.cancelled());
    writer.write("still served");
    const std::string got = co_await reader.readexactly(12);
    CHECK(got == "still served");
    server.close();
    co_await server.wait_closed();
}
TEST_CASE("if close_within is cancelled, the handlers continue until close") { bounded(close_within_cancelled()); }

static Task<> serve_forever() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever(1h));
    auto [reader, writer] = co_await served(server);
    serving.cancel();
    co_await settle();
    CHECK(!serving.done());
    const std::string what = co_await thrown<std::system_error>(open_connection("127.0.0.1", server.port()));
    CHECK_THAT(what, Catch::Matchers::EndsWith("Connection refused"));
    writer.write("last words");
    writer.write_eof();
    const std::string got = co_await reader.read();
    CHECK(got == "last words");
    static_cast<void>(co_await serving.outcome());
    CHECK(serving.cancelled());
}
TEST_CASE("serve_forever serves until it is cancelled, then lets the handlers finish") { bounded(serve_forever()); }

static Task<> serve_forever_twice_cancelled() {
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0);
    auto serving = create_task(server.serve_forever(1h));
    auto client = co_await served(server);
    serving.cancel();
    co_await settle();
    serving.cancel();
    static_cast<void>(co_await serving.outcome());
    CHECK(serving.cancelled());
    co_await server.wait_closed();

    auto other = co_await start_server(until_cancelled, "127.0.0.1", 0);
    auto until_closed = create_task(other.serve_forever(1h));
    co_await settle();
    other.close();
    co_await until_closed;
}
TEST_CASE("serve_forever closes at once if cancelled again, and returns if the server is closed") {
    bounded(serve_forever_twice_cancelled());
}

static Task<> slow_to_end(StreamReader reader, StreamWriter) {
    bool cancelled = false;
    try {
        co_await reader.read();
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) co_await sleep(30ms);
}
static Task<> wait_closed_waits() {
    auto server = co_await start_server(slow_to_end, "127.0.0.1", 0);
    auto client = co_await open_connection("127.0.0.1", server.port());
    co_await settle();
    server.close();
    const auto begin = Clock::now();
    co_await server.wait_closed();
    CHECK(Clock::now() - begin >= 25ms);
}
TEST_CASE("wait_closed waits for handlers that clean up") { bounded(wait_closed_waits()); }

static Task<> drop_server() {
    const auto before = loopback::open_descriptors();
    std::optional<Server> server;
    server.emplace(co_await start_server(until_cancelled, "127.0.0.1", 0));
    {
        auto client = co_await open_connection("127.0.0.1", server->port());
        co_await settle();
        server.reset();
        const auto got = co_await client.first.read();
        CHECK(got == "");
    }
    CHECK(loopback::open_descriptors() == before);
}
TEST_CASE("destroying a server closes it") { bounded(drop_server()); }

static Task<> closing_handler() {
    auto slot = std::make_shared<std::optional<Server>>();
    auto handler = [slot](StreamReader reader, StreamWriter writer) -> Task<> {
        co_await reader.readline();
        (*slot)->close();
        writer.write("bye");
    };
    slot->emplace(co_await start_server(handler, "127.0.0.1", 0));
    auto [reader, writer] = co_await open_connection("127.0.0.1", (*slot)->port());
    writer.write("end\n");
    const auto got = co_await reader.read();
    CHECK(got == "bye");
    co_await (*slot)->wait_closed();
    slot->reset();
}
TEST_CASE("a handler may close its server, and is not cancelled by that") { bounded(closing_handler()); }

static Task<> fail_or_echo(StreamReader reader, StreamWriter writer) {
    const std::string line = co_await reader.readline();
    writer.write(pattern(4'000'000)); // so that something is unsent
    if (line == "fail\n") throw std::runtime_error{"as asked"};
}
static Task<> failing_handler(std::vector<std::string>& reports) {
    Loop::current().set_exception_handler([&reports](std::string_view name, std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& exception) {
            reports.push_back(std::string{name} + ": " + exception.what());
        }
    });
    auto server = co_await start_server(fail_or_echo, "127.0.0.1", 0);
    const auto before = loopback::open_descriptors();
    {
        auto [other_reader, other_writer] = co_await open_connection("127.0.0.1", server.port());
        auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
        co_await settle();
        writer.write("fail\n");
        co_await settle();
        CHECK(server.clients() == 1);
        other_writer.write("go on\n");
        const std::string all = co_await other_reader.read();
        CHECK(all.size() == 4'000'000);
    }
    co_await settle();
    CHECK(loopback::open_descriptors() == before);
    CHECK(reports.size() == 1);
    if (!reports.empty()) {
        CHECK_THAT(reports[0], Catch::Matchers::StartsWith("client 127.0.0.1:"));
        CHECK_THAT(reports[0], Catch::Matchers::EndsWith(": as asked"));
    }
}
TEST_CASE("an exception of a handler goes to the exception handler, and ends only its own connection") {
    std::vector<std::string> reports;
    bounded(failing_handler(reports));
}

static Task<> write_and_return(StreamReader, StreamWriter writer) {
    writer.write(pattern(4'000'000));
    co_return;
}
static Task<> handler_returns_early() {
    auto server = co_await start_server(write_and_return, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    co_await settle();
    CHECK(server.clients() == 1); // until all is sent
    const std::string all = co_await reader.read();
    CHECK(all == pattern(4'000'000));
    co_await settle();
    CHECK(server.clients() == 0);
}
TEST_CASE("what a handler has written is sent although it has returned") { bounded(handler_returns_early()); }

static Task<> close_with_unsent() {
    const auto before = loopback::open_descriptors();
    auto server = co_await start_server(write_and_return, "127.0.0.1", 0);
    auto client = co_await open_connection("127.0.0.1", server.port());
    co_await settle();
    server.close();
    co_await server.wait_closed();
    CHECK(loopback::open_descriptors() == before + 1);
}
TEST_CASE("close drops what a client does not take") { bounded(close_with_unsent()); }

static Task<> dropped_output() {
    Loop::current().set_exception_handler([](std::string_view, std::exception_ptr) {});
    auto server = co_await start_server(fail_or_echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    writer.write("fail\n");
    const std::string what = co_await thrown<std::system_error>(reader.read());
    CHECK_THAT(what, Catch::Matchers::EndsWith("Connection reset by peer"));
}
TEST_CASE("a client does not take a part for all: where something written was dropped, it is reset") {
    bounded(dropped_output());
}

static Task<> kept_writer() {
    std::optional<StreamWriter> kept;
    auto handler = [&kept](StreamReader, StreamWriter writer) -> Task<> {
        kept.emplace(std::move(writer));
        co_return;
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    co_await settle();
    CHECK(server.clients() == 0);
    kept->write("later\n");
    const auto got = co_await reader.readline();
    CHECK(got == "later\n");
    kept.reset();
    const auto got_2 = co_await reader.readline();
    CHECK(got_2 == "");
}
TEST_CASE("a handler may put its writer elsewhere and return") { bounded(kept_writer()); }

static Task<> kept_writer_of_failed_handler() {
    Loop::current().set_exception_handler([](std::string_view, std::exception_ptr) {});
    std::optional<StreamWriter> kept;
    auto handler = [&kept](StreamReader, StreamWriter writer) -> Task<> {
        kept.emplace(std::move(writer));
        throw std::runtime_error{"as it happens"};
        co_return;
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    const std::string got = co_await reader.read();
    CHECK(got == "");
    kept->write("to nobody");
    const std::string what = co_await thrown<std::system_error>(kept->drain());
    CHECK_THAT(what, Catch::Matchers::EndsWith("Software caused connection abort"));
}
TEST_CASE("a writer whose connection was closed under it finds a failed connection") {
    bounded(kept_writer_of_failed_handler());
}

static Task<> capturing_handler() {
    auto text = std::make_shared<std::string>("from the closure");
    const std::weak_ptr<std::string> watched = text;
    {
        auto handler = [text = std::move(text)](StreamReader reader, StreamWriter writer) -> Task<> {
            co_await reader.readline();
            writer.write(*text);
        };
        auto server = co_await start_server(handler, "127.0.0.1", 0);
        auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
        writer.write("\n");
        const auto got = co_await reader.read();
        CHECK(got == "from the closure");
    }
    co_await settle();
    CHECK(watched.expired());
}
TEST_CASE("a handler lives as long as its coroutines, and no longer") { bounded(capturing_handler()); }

static Task<> resets() {
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0);
    Loop::current().set_exception_handler([](std::string_view, std::exception_ptr) {});
    const auto before = loopback::open_descriptors();
    for (int i = 0; i < 50; ++i) {
        auto client = loopback::Plain::connected(server.port());
        if (i % 2 == 0) co_await settle();
        client.reset();
    }
    co_await settle();
    CHECK(server.clients() == 0);
    CHECK(loopback::open_descriptors() == before);
}
TEST_CASE("clients that break off leave nothing behind") { bounded(resets()); }

static Task<> out_of_descriptors() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit lowered{64, limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lowered);
    std::vector<loopback::Plain> fillers;
    for (int copy = ::dup(0); copy >= 0; copy = ::dup(0)) fillers.emplace_back(copy);
    fillers.pop_back(); // one is left, for the client
    auto client = create_task(exchange(server.port(), 1000));
    co_await sleep(50ms);
    CHECK_FALSE(client.done());
    CHECK(server.clients() == 0);
    fillers.clear();
    ::setrlimit(RLIMIT_NOFILE, &limit);
    co_await client;
}
TEST_CASE("a server that has run out of descriptors goes on when there are some again") {
    bounded(out_of_descriptors());
}

// Faults of accept4 that the system would have to be brought to: so many calls fail, by this errno.
static int accept_faults = 0;
static int accept_errno = 0;
extern "C" int accept4(int descriptor, sockaddr* address, socklen_t* size, int flags) {
    if (accept_faults > 0) {
        --accept_faults;
        errno = accept_errno;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_accept4, descriptor, address, size, flags));
}

static Task<> accept_fails(int error, int times, Clock::duration at_most) {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    accept_errno = error;
    accept_faults = times;
    const auto begin = Clock::now();
    co_await exchange(server.port(), 1000);
    CHECK(accept_faults == 0);
    CHECK(Clock::now() - begin < at_most);
}
TEST_CASE("a client that has gone before it was accepted does not hold up the next") {
    bounded(accept_fails(ECONNABORTED, 200, 10s)); // with a pause each time it would be 20 s
}
TEST_CASE("a server tries again when accepting fails") {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO}) bounded(accept_fails(error, 3, 10s));
}

// ---- limits ---------------------------------------------------------------------------------------------------------

// Whether a client is answered within this time.
static Task<bool> answered(StreamReader& reader, StreamWriter& writer, Clock::duration time) {
    writer.write("?");
    const auto outcome = co_await try_wait_for(reader.readexactly(1), time);
    co_return outcome.has_value();
}

static Task<> three_clients_for_two() {
    const ServerOptions options{.most_clients = 2};
    auto server = co_await start_server(echo, "127.0.0.1", 0, options);
    auto [reader_1, writer_1] = co_await open_connection("127.0.0.1", server.port());
    auto [reader_2, writer_2] = co_await open_connection("127.0.0.1", server.port());
    auto [reader_3, writer_3] = co_await open_connection("127.0.0.1", server.port()); // waits in the backlog
    const bool first = co_await answered(reader_1, writer_1, 10s);
    CHECK(first);
    const bool second = co_await answered(reader_2, writer_2, 10s);
    CHECK(second);
    const bool third = co_await answered(reader_3, writer_3, 30ms);
    CHECK_FALSE(third);
    CHECK(server.clients() == 2);
    writer_1.close();
    const std::string late = co_await reader_3.readexactly(1);
    CHECK(late == "?");
    CHECK(server.clients() == 2);
}
TEST_CASE("of three clients, a server with a limit of two serves the last when one has gone") {
    bounded(three_clients_for_two());
}

static Task<> limit_of_one() {
    std::size_t most = 0;
    const Server* running = nullptr;
    auto handler = [&most, &running](StreamReader reader, StreamWriter writer) -> Task<> {
        most = std::max(most, running->clients());
        co_await echo(std::move(reader), std::move(writer));
    };
    const ServerOptions options{.most_clients = 1};
    auto server = co_await start_server(handler, "", 0, options); // IPv4 and IPv6: two that accept
    running = &server;
    std::vector<TaskHandle<>> clients;
    for (int i = 0; i < 20; ++i)
        clients.push_back(create_task(exchange(server.port(), 5000, i % 2 ? "127.0.0.1" : "")));
    for (const auto& client : clients) co_await client;
    CHECK(most == 1);
}
TEST_CASE("a limit holds for all addresses of a server together, and all clients are served in the end") {
    bounded(limit_of_one());
}

static Task<> limit_and_failure() {
    Loop::current().set_exception_handler([](std::string_view, std::exception_ptr) {});
    const ServerOptions options{.most_clients = 1};
    auto server = co_await start_server(fail_or_echo, "127.0.0.1", 0, options);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    auto [other_reader, other_writer] = co_await open_connection("127.0.0.1", server.port());
    writer.write("fail\n");
    other_writer.write("go on\n");
    const std::string all = co_await other_reader.read();
    CHECK(all.size() == 4'000'000);
}
TEST_CASE("a client whose handler has failed makes room for the next") { bounded(limit_and_failure()); }

static Task<> close_when_full() {
    const auto before = loopback::open_descriptors();
    const ServerOptions options{.most_clients = 1};
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0, options);
    {
        auto served = co_await open_connection("127.0.0.1", server.port());
        auto waiting = co_await open_connection("127.0.0.1", server.port());
        co_await settle();
        CHECK(server.clients() == 1);
        server.close();
        co_await server.wait_closed();
        const std::string what = co_await thrown<std::system_error>(waiting.first.read());
        CHECK_THAT(what, Catch::Matchers::EndsWith("Connection reset by peer"));
    }
    CHECK(loopback::open_descriptors() == before);
}
TEST_CASE("a server that is full can be closed, and refuses those that wait") { bounded(close_when_full()); }

static Task<> short_backlog() {
    const ServerOptions options{.most_clients = 1, .backlog = 1};
    auto server = co_await start_server(until_cancelled, "127.0.0.1", 0, options);
    std::vector<TaskHandle<std::pair<StreamReader, StreamWriter>>> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(create_task(open_connection("127.0.0.1", server.port())));
    co_await sleep(50ms);
    CHECK(clients.front().done());
    CHECK_FALSE(clients.back().done());
}
TEST_CASE("no more clients wait to be accepted than the backlog holds") { bounded(short_backlog()); }

static Task<> no_backlog() {
    const ServerOptions options{.backlog = 0};
    const std::string what = co_await thrown<UsageError>(start_server(echo, "127.0.0.1", 0, options));
    CHECK(what == "rouse: ServerOptions: the backlog must be at least 1");
}
TEST_CASE("a server without a backlog is refused") { bounded(no_backlog()); }

static Task<> port_in_use() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    const std::string what = co_await thrown<std::system_error>(start_server(echo, "127.0.0.1", server.port()));
    CHECK(what ==
          "rouse: cannot listen on 127.0.0.1 port " + std::to_string(server.port()) + ": Address already in use");
}
TEST_CASE("a port in use is an error that names host and port") { bounded(port_in_use()); }

static Task<> unresolvable() {
    const std::string what = co_await thrown<std::system_error>(start_server(echo, "nosuch.invalid", 0));
    CHECK_THAT(what, Catch::Matchers::StartsWith("rouse: cannot resolve nosuch.invalid: "));
}
TEST_CASE("listening on a name that cannot be resolved is an error that names it") { bounded(unresolvable()); }

static Task<> both_families() {
    auto server = co_await start_server(echo, "", 0);
    co_await exchange(server.port(), 1000);
    const std::string what = co_await thrown<std::system_error>(open_connection("::1", server.port()));
    // Where this machine has no IPv6, there is nothing to connect to.
    if (!what.empty()) CHECK_THAT(what, !Catch::Matchers::EndsWith("Connection refused"));
}
TEST_CASE("without a host a server listens on IPv4 and IPv6, on one port") { bounded(both_families()); }
