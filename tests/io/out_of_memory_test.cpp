// What the streams do when memory runs out. Each allocation in turn, together with the rest of a program:
// tests/proof/faults.
#include <cerrno>
#include <cstdlib>
#include <new>
#include <string>
#include <system_error>

#include <rouse/io/server.hpp>

#include "loopback.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::bounded;
using loopback::pattern;
using loopback::settle;
using loopback::thrown;

// The heap of this program (not inlined: GCC would see free() for what came from new): the nth allocation from now on
// fails (1: the next), or all of them.
static int failing = 0;
static bool no_memory = false;

static void* allocate(std::size_t size) {
    if (no_memory || (failing > 0 && --failing == 0)) return nullptr;
    return std::malloc(size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (void* memory = allocate(size)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

// What a read by the peer says, at the end of what has come.
static int error_after_all(const loopback::Plain& peer) {
    char part[65536];
    for (;;) {
        const auto count = ::recv(peer.descriptor(), part, sizeof part, MSG_DONTWAIT);
        if (count <= 0) return count < 0 ? errno : 0;
    }
}

static Task<> echo_line(StreamReader reader, StreamWriter writer) {
    const std::string line = co_await reader.readline();
    writer.write(line);
}

static Task<> open_connection_out_of_memory() {
    const loopback::Plain listener = loopback::Plain::listening();
    const auto before = loopback::open_descriptors();
    int failures = 0;
    for (bool connected = false; !connected; ++failures) {
        REQUIRE(failures < 100);
        failing = failures + 1;
        try {
            auto connection = co_await open_connection("127.0.0.1", listener.port());
            connected = failing > 0;
        } catch (const std::bad_alloc&) {
        }
        failing = 0;
        CHECK(loopback::open_descriptors() == before);
    }
    CHECK(failures > 2);
}
TEST_CASE("a connection that fails for want of memory, wherever, leaves no descriptor") {
    bounded(open_connection_out_of_memory());
}

static Task<> start_server_out_of_memory() {
    const auto before = loopback::open_descriptors();
    int failures = 0;
    for (bool started = false; !started; ++failures) {
        REQUIRE(failures < 100);
        failing = failures + 1;
        try {
            auto server = co_await start_server(echo_line, "127.0.0.1", 0);
            started = failing > 0;
        } catch (const std::bad_alloc&) {
        }
        failing = 0;
        CHECK(loopback::open_descriptors() == before);
        co_await yield();
        CHECK(Loop::current().live_tasks() == 1);
    }
    CHECK(failures > 2);
}
TEST_CASE("a server that cannot start for want of memory, wherever, leaves no descriptor and no task") {
    bounded(start_server_out_of_memory());
}

static loopback::Plain connected_to(std::uint16_t port) {
    loopback::Plain client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(client.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return client;
}

static Task<> client_out_of_memory() {
    auto server = co_await start_server(echo_line, "127.0.0.1", 0);
    const auto before = loopback::open_descriptors();
    {
        const loopback::Plain first = connected_to(server.port());
        no_memory = true;
        co_await settle();
        no_memory = false;
        CHECK(server.clients() == 0);
        CHECK(loopback::open_descriptors() == before + 1);
        CHECK(error_after_all(first) == ECONNRESET);
        const loopback::Plain second = connected_to(server.port());
        second.send("hello\n");
        co_await sleep(150ms);
        CHECK(second.take() == "hello\n");
    }
    co_await settle();
    CHECK(loopback::open_descriptors() == before);
}
TEST_CASE("a client that there is no memory for is reset, and the next is served") { bounded(client_out_of_memory()); }

static Task<> read_out_of_memory() {
    auto [reader, writer, peer] = co_await loopback::connect();
    peer.send(pattern(1000));
    co_await settle();
    auto reading = reader.read(500);
    failing = 1;
    const std::string what = co_await thrown<std::system_error>(std::move(reading));
    CHECK_THAT(what, Catch::Matchers::EndsWith("Cannot allocate memory"));
    peer.send("what follows");
    co_await settle();
    const std::string again = co_await thrown<std::system_error>(reader.read(500));
    CHECK(again == what);
}
TEST_CASE("what came in and could not be kept is an error, and nothing behind it is read") {
    bounded(read_out_of_memory());
}

static Task<> write_out_of_memory() {
    auto [reader, writer, peer] = co_await loopback::connect();
    const std::string much = pattern(20'000'000);
    failing = 1;
    writer.write(much);
    CHECK(failing == 0);
    const std::string what = co_await thrown<std::system_error>(writer.drain());
    CHECK_THAT(what, Catch::Matchers::EndsWith("Cannot allocate memory"));
    writer.close();
    const std::string closed = co_await thrown<std::system_error>(writer.wait_closed());
    CHECK(closed == what);
    CHECK(error_after_all(peer) == ECONNRESET);
}
TEST_CASE("what there is no memory to keep until it is sent makes the connection fail, at both ends") {
    bounded(write_out_of_memory());
}
