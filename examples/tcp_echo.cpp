// A TCP server that sends everything back: start_server, one task per client, and a clean end on Ctrl-C.
//
//   tcp_echo [host [port]]        the defaults are 127.0.0.1 and 9000; port 0 takes any that is free
//
// Try it with: nc 127.0.0.1 9000
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <rouse/net/net.hpp>
#include <rouse/rouse.hpp>

#include "ctrl_c.hpp"

static void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

// Sends everything back until the client has ended its half.
static rouse::Task<> echo(rouse::StreamReader reader, rouse::StreamWriter writer) {
    std::array<char, 16 * 1024> buffer;
    for (;;) {
        const std::size_t count = co_await reader.readinto(buffer);
        if (count == 0) break;
        writer.write({buffer.data(), count});
        co_await writer.drain(); // a client that does not read is not sent more
    }
    writer.close();
    co_await writer.wait_closed();
}

// A client that breaks off is no error of ours: it gets a line, not a stack of them.
static rouse::Task<> serve(rouse::StreamReader reader, rouse::StreamWriter writer) {
    const std::string client = writer.peer().text();
    say(fmt::format("{} has come", client));
    const auto guard = rouse::on_cancel([&] { say(fmt::format("{} was sent away", client)); });
    try {
        co_await echo(std::move(reader), std::move(writer));
        say(fmt::format("{} has gone", client));
    } catch (const std::system_error& error) {
        say(fmt::format("{} has gone: {}", client, error.code().message()));
    }
}

static rouse::Task<> run_server(std::string host, std::uint16_t port) {
    auto& interrupted = example::interrupted();
    auto server = co_await rouse::start_server(serve, host, port);
    say(fmt::format("listening on {} port {}", host.empty() ? "any address" : host, server.port()));
    co_await interrupted.wait();
    say(fmt::format("ending, with {} clients", server.clients()));
    server.close();
    co_await server.wait_closed();
}

static bool parse(std::string_view text, std::uint16_t& port) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size();
}

int main(int count, char** arguments) {
    std::uint16_t port = 9000;
    if (count > 3 || (count == 3 && !parse(arguments[2], port))) {
        fmt::print(stderr, "usage: tcp_echo [host [port]], with a port from 0 to 65535\n");
        return 2;
    }
    try {
        rouse::run(run_server(count > 1 ? arguments[1] : "127.0.0.1", port));
    } catch (const std::exception& error) {
        fmt::print(stderr, "tcp_echo: {}\n", error.what());
        return 1;
    }
}
