// What the servers among the examples have in common: the arguments [host [port]], a line that says where they listen,
// and a clean end on Ctrl-C.
#pragma once

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

namespace example {

inline bool parse_port(std::string_view text, std::uint16_t& port) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size();
}

template <class Handler>
rouse::Task<> serve_until_interrupted(Handler handler, std::string host, std::uint16_t port) {
    auto& interrupted = example::interrupted();
    auto server = co_await rouse::start_server(std::move(handler), host, port);
    fmt::print("listening on {} port {}\n", host.empty() ? "any address" : host, server.port());
    std::fflush(stdout);
    co_await interrupted.wait();
    server.close();
    co_await server.wait_closed();
}

/// Serves clients with handler(StreamReader, StreamWriter) until Ctrl-C. What main returns.
template <class Handler>
int server_main(int count, char** arguments, std::uint16_t port, Handler handler) {
    const std::string_view program = arguments[0];
    const std::string name{program.substr(program.rfind('/') + 1)};
    if (count > 3 || (count == 3 && !parse_port(arguments[2], port))) {
        fmt::print(stderr, "usage: {} [host [port]], with a port from 0 to 65535\n", name);
        return 2;
    }
    try {
        rouse::run(serve_until_interrupted(std::move(handler), count > 1 ? arguments[1] : "127.0.0.1", port));
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", name, error.what());
        return 1;
    }
    return 0;
}

} // namespace example
