// A TCP server that sends everything back: start_server, one task per client, and a clean end on Ctrl-C.
//
//   tcp_echo [host [port]]        the defaults are 127.0.0.1 and 9000; port 0 takes any that is free
//
// Try it with: nc 127.0.0.1 9000
#include <array>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "server_main.hpp"

using example::say;

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

int main(int count, char** arguments) { return example::server_main(count, arguments, 9000, serve); }
