#include <rouse/io/detail/descriptor.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "ports/in_child.hpp"
#include "support/catch.hpp"

using namespace rouse;

// Whether 0, 1 and 2 are closed, as they were when the program was started.
static bool standard_closed() {
    for (const int number : {0, 1, 2}) {
        if (::fcntl(number, F_GETFD) >= 0) return false;
    }
    return true;
}

// Runs `body` on a loop in a child process that has 0, 1 and 2 closed. The child ends well if it returns true.
static bool with_standard_closed(Task<bool> (*body)()) {
    return test::in_child([body] {
               for (const int number : {0, 1, 2}) ::close(number);
               return run(body());
           })
        .well();
}

static Task<> wait_for_end(StreamReader reader, StreamWriter) { static_cast<void>(co_await reader.read()); }

static Task<bool> tcp() {
    auto server = co_await start_server(wait_for_end, "127.0.0.1", 0);
    bool closed = standard_closed();
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    while (server.clients() == 0) co_await yield();
    closed = closed && standard_closed();
    writer.write("x");
    writer.close();
    co_await writer.wait_closed();
    co_return closed;
}
TEST_CASE("no TCP socket has a number below 3: listening, connected or accepted") { CHECK(with_standard_closed(tcp)); }

static Task<bool> unix_sockets() {
    std::string folder = "/tmp/rouse.XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) co_return false;
    const std::string path = folder + "/socket";
    bool closed = false;
    {
        auto server = co_await start_unix_server(wait_for_end, path);
        closed = standard_closed();
        auto [reader, writer] = co_await open_unix_connection(path);
        while (server.clients() == 0) co_await yield();
        closed = closed && standard_closed();
    }
    ::rmdir(folder.c_str());
    co_return closed;
}
TEST_CASE("no Unix socket has a number below 3") { CHECK(with_standard_closed(unix_sockets)); }

static Task<bool> datagrams() {
    auto socket = DatagramSocket::bind("127.0.0.1", 0);
    auto peer = DatagramSocket::connect("127.0.0.1", socket.local().port());
    co_await peer.send("x");
    const Datagram got = co_await socket.receive();
    co_return got.bytes == "x" && standard_closed();
}
TEST_CASE("no datagram socket has a number below 3") { CHECK(with_standard_closed(datagrams)); }

static Task<bool> pipes() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) co_return false; // 0 and 1, which are the program's
    StreamReader reader = open_pipe_reader(ends[0]);
    StreamWriter writer = open_pipe_writer(ends[1]);
    writer.write("x");
    const std::string got = co_await reader.read(1);
    co_return got == "x" && standard_closed();
}
TEST_CASE("a stream of a pipe has no number below 3, though the pipe had") { CHECK(with_standard_closed(pipes)); }

static Task<> fails() {
    throw std::runtime_error{"a report that no client must read"};
    co_return;
}

static Task<bool> report() {
    auto server = co_await start_server(wait_for_end, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    while (server.clients() == 0) co_await yield();
    create_task(fails(), "fails");
    co_await sleep(std::chrono::milliseconds{1});
    writer.write_eof();
    const std::string got = co_await reader.read();
    co_return got.empty();
}
TEST_CASE("the report of a failed task does not reach a client, nor end the program by SIGPIPE") {
    CHECK(with_standard_closed(report));
}

TEST_CASE("an accepted connection for which there is no number is reset") {
    CHECK(test::in_child([] {
              const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
              sockaddr_in address{};
              address.sin_family = AF_INET;
              address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              auto* const place = reinterpret_cast<sockaddr*>(&address);
              socklen_t size = sizeof address;
              if (::bind(listener, place, size) != 0 || ::listen(listener, 1) != 0) return false;
              ::getsockname(listener, place, &size);
              const int client = ::socket(AF_INET, SOCK_STREAM, 0);
              if (::connect(client, place, size) != 0) return false;
              ::close(0);
              rlimit few{};
              ::getrlimit(RLIMIT_NOFILE, &few);
              few.rlim_cur = 3;
              ::setrlimit(RLIMIT_NOFILE, &few);
              const detail::Descriptor accepted = detail::own_connection(::accept(listener, nullptr, nullptr));
              const int error = errno;
              char byte = 0;
              return !accepted && error == EMFILE && ::read(client, &byte, 1) < 0 && errno == ECONNRESET;
          }).well());
}
