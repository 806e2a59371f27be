// A UDP server that sends every datagram back, and a client for it that asks again if no answer comes: DatagramSocket,
// wait_for, and a clean end on Ctrl-C.
//
//   udp_echo [host [port]]        the server; the defaults are 127.0.0.1 and 9000; port 0 takes any that is free
//   udp_echo host port text       the client: sends the text, and prints what comes back
//
// Try it with: nc -u 127.0.0.1 9000
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/datagram_socket.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"
#include "say.hpp"

static rouse::Task<> echo(rouse::DatagramSocket socket) {
    for (;;) {
        const rouse::Datagram datagram = co_await socket.receive();
        try {
            co_await socket.send_to(datagram.bytes, datagram.from);
        } catch (const std::system_error& error) { // one client that cannot be answered is no reason to end
            fmt::print(stderr, "udp_echo: {}\n", error.what());
        }
    }
}

static rouse::Task<> run_server(std::string host, std::uint16_t port) {
    auto socket = rouse::DatagramSocket::bind(host, port);
    example::say("listening at " + socket.local().text());
    co_await echo(std::move(socket)); // until Ctrl-C
}

// Datagrams get lost: three attempts, a second each.
static rouse::Task<int> run_client(std::string host, std::uint16_t port, std::string text) {
    auto socket = rouse::DatagramSocket::connect(host, port);
    for (int attempt = 1; attempt <= 3; ++attempt) {
        co_await socket.send(text);
        auto answer = co_await rouse::try_wait_for(socket.receive(), std::chrono::seconds{1});
        if (answer.timed_out()) continue;
        fmt::print("{}\n", answer.value().bytes);
        co_return 0;
    }
    throw std::runtime_error{fmt::format("no answer from {}", socket.peer().text())};
}

int main(int count, char** arguments) {
    constexpr auto usage = "udp_echo [host [port [text]]], with a port from 0 (with a text, 1) to 65535";
    if (const auto status = example::wrong_arguments(count, arguments, 3, usage, 3)) return *status;
    std::uint16_t port = 9000;
    if (count > 2 && !example::parse_number(arguments[2], port)) return example::refuse(usage);
    const std::string host = count > 1 ? arguments[1] : "127.0.0.1";
    if (count < 4) return example::run_server("udp_echo", [&] { return run_server(host, port); });
    if (port == 0) return example::refuse(usage);
    return example::run_main("udp_echo", [&] { return run_client(host, port, arguments[3]); });
}
