// What the servers among the examples have in common: the arguments [host [port]], a line that says where they listen,
// and a clean end on Ctrl-C.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"
#include "say.hpp"

namespace example {

template <class Handler, class... Beside>
rouse::Task<> serve_until_interrupted(Handler handler, std::string host, std::uint16_t port, Beside... beside) {
    (rouse::create_task(std::move(beside)), ...); // cancelled when this ends
    co_await rouse::yield();                      // they have begun
    auto server = co_await rouse::start_server(std::move(handler), host, port);
    say(fmt::format("listening on {} port {}", host.empty() ? "any address" : host, server.port()));
    const auto guard = rouse::on_cancel([] { say("ended"); });
    co_await server.serve_forever(std::chrono::seconds{1}); // which clients have to finish
}

/// Serves clients with handler(StreamReader, StreamWriter) until Ctrl-C, while the tasks `beside` run, if there are
/// any. What main returns.
template <class Handler, std::same_as<rouse::Task<>>... Beside>
int server_main(int count, char** arguments, std::uint16_t port, Handler handler, Beside... beside) {
    const std::string_view program = arguments[0];
    const std::string name{program.substr(program.rfind('/') + 1)};
    const std::string usage = fmt::format(
        "{} [host [port]], with a port from 0 (any that is free) to 65535; 127.0.0.1 and {} otherwise", name, port);
    if (const auto status = wrong_arguments(count, arguments, 2, usage)) return *status;
    if (count == 3 && !parse_number(arguments[2], port)) return refuse(usage);
    const std::string host = count > 1 ? arguments[1] : "127.0.0.1";
    return run_server(name.c_str(),
                      [&] { return serve_until_interrupted(std::move(handler), host, port, std::move(beside)...); });
}

} // namespace example
