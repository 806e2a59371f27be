// What the servers among the examples have in common: the arguments [host [port]], a line that says where they listen,
// and a clean end on Ctrl-C.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "ctrl_c.hpp"
#include "say.hpp"

namespace example {

template <class Handler, class... Beside>
rouse::Task<> serve_until_interrupted(Handler handler, std::string host, std::uint16_t port, Beside... beside) {
    auto& interrupted = example::interrupted();
    (rouse::create_task(std::move(beside)), ...); // cancelled when this ends
    co_await rouse::yield();                      // they have begun
    auto server = co_await rouse::start_server(std::move(handler), host, port);
    say(fmt::format("listening on {} port {}", host.empty() ? "any address" : host, server.port()));
    co_await interrupted.wait();
    say(fmt::format("ending, with {} clients", server.clients()));
    server.close();
    co_await server.wait_closed();
}

/// Serves clients with handler(StreamReader, StreamWriter) until Ctrl-C, while the tasks `beside` run, if there are
/// any. What main returns.
template <class Handler, std::same_as<rouse::Task<>>... Beside>
int server_main(int count, char** arguments, std::uint16_t port, Handler handler, Beside... beside) {
    const std::string_view program = arguments[0];
    const std::string name{program.substr(program.rfind('/') + 1)};
    if (count > 3 || (count == 3 && !parse_number(arguments[2], port))) {
        fmt::print(stderr, "usage: {} [host [port]], with a port from 0 to 65535\n", name);
        return 2;
    }
    try {
        const std::string host = count > 1 ? arguments[1] : "127.0.0.1";
        rouse::run(serve_until_interrupted(std::move(handler), host, port, std::move(beside)...));
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", name, error.what());
        return 1;
    }
    return 0;
}

} // namespace example
