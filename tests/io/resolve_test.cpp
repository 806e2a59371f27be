#include <rouse/io/resolve.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include <dlfcn.h>

#include <rouse/io/datagram_socket.hpp>
#include <rouse/io/open_connection.hpp>
#include <rouse/io/server.hpp>

#include "io/loopback.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;
using loopback::Deadline;

namespace {
std::atomic<int> lookups{0};
std::atomic<bool> answering{true}; // while it is false, a lookup of "slow.test" does not return
std::atomic<std::thread::id> looked_up_by{};
} // namespace

// In place of the system's: "slow.test" is this machine, takes until `answering`, and is counted.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
    using Function = int(const char*, const char*, const addrinfo*, addrinfo**);
    static auto* const real = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if (host == nullptr || std::string{host} != "slow.test") return real(host, service, hints, found);
    ++lookups;
    looked_up_by = std::this_thread::get_id();
    while (!answering) std::this_thread::yield();
    return real("127.0.0.1", service, hints, found);
}

// Lets the lookup that `task` waits for return, once the loop has slept ten times meanwhile.
template <class T>
static Task<> answer_after_ten_sleeps(const TaskHandle<T>& task) {
    for (int turn = 0; turn < 10; ++turn) {
        CHECK(!task.done());
        co_await sleep(1ms);
    }
    answering = true;
}

TEST_CASE("resolve: a name is looked up on another thread, while the other tasks go on") {
    const Deadline deadline;
    lookups = 0;
    run([]() -> Task<> {
        answering = false;
        const auto looking = create_task(resolve("slow.test", 7));
        co_await answer_after_ten_sleeps(looking);
        const auto addresses = co_await looking;
        REQUIRE(addresses.size() == 1);
        CHECK(addresses[0].text() == "127.0.0.1:7");
    }());
    CHECK(lookups == 1);
    CHECK(looked_up_by.load() != std::this_thread::get_id());
}

TEST_CASE("resolve: digits, and this machine, need no thread") {
    const Deadline deadline;
    run([]() -> Task<> {
        for (const char* host : {"127.0.0.1", "::1", ""}) {
            const auto looking = create_task(resolve(host, 1));
            co_await yield();
            co_await yield();
            CHECK(looking.done());
        }
    }());
}

TEST_CASE("resolve: a name that there is not is an error that says it") {
    const Deadline deadline;
    run([]() -> Task<> {
        std::string what;
        try {
            static_cast<void>(co_await resolve("no such host.invalid", 1));
        } catch (const std::system_error& error) {
            what = error.what();
        }
        CHECK(what.find("rouse: cannot resolve no such host.invalid") == 0);
    }());
}

TEST_CASE("open_connection and start_server look names up without blocking, and can be cancelled meanwhile") {
    const Deadline deadline;
    lookups = 0;
    run([]() -> Task<> {
        const auto serve = [](StreamReader, StreamWriter writer) -> Task<> {
            writer.write("hello");
            co_return;
        };
        answering = false;
        auto starting = create_task(start_server(serve, "slow.test", 0));
        co_await answer_after_ten_sleeps(starting);
        const Server server = co_await starting;
        auto [reader, writer] = co_await open_connection("slow.test", server.port());
        const std::string got = co_await reader.read();
        CHECK(got == "hello");

        answering = false;
        const auto abandoned = create_task(open_connection("slow.test", server.port()));
        while (lookups < 3) co_await sleep(1ms);
        abandoned.cancel();
        const auto outcome = co_await abandoned.outcome();
        CHECK(outcome.cancelled());
    }());
    CHECK(lookups == 3);
    answering = true;
    while (looked_up_by.load() == std::thread::id{}) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds{100}); // the abandoned one ends by itself
}

// The message of what `awaitable` throws.
template <class T>
static Task<std::string> message_of(Task<T> task) {
    try {
        static_cast<void>(co_await task);
    } catch (const std::system_error& error) {
        co_return error.what();
    }
    co_return "";
}

TEST_CASE("nothing connects to, or listens on, the part of a host before a NUL") {
    const Deadline deadline;
    run([]() -> Task<> {
        const auto serve = [](StreamReader, StreamWriter) -> Task<> { co_return; };
        const Server server = co_await start_server(serve, "127.0.0.1", 0);
        for (const char* const name : {"127.0.0.1", "localhost", "slow.test", ""}) {
            const std::string host = std::string{name} + '\0' + ".example.com";
            const std::string shown =
                "rouse: cannot resolve " + std::string{name} + "\\0.example.com, which contains a NUL";
            std::string what = co_await message_of(resolve(host, 1));
            CHECK(what.find(shown) == 0);
            what = co_await message_of(open_connection(host, server.port()));
            CHECK(what.find(shown) == 0);
            what = co_await message_of(start_server(serve, host, 0));
            CHECK(what.find(shown) == 0);
            CHECK_THROWS_AS(DatagramSocket::bind(host, 0), std::system_error);
            CHECK_THROWS_AS(DatagramSocket::connect(host, server.port()), std::system_error);
        }
        CHECK_THROWS_AS(Address::unix_path(std::string{"/tmp/a\0b", 8}), UsageError);
        CHECK(server.clients() == 0);
    }());
}
