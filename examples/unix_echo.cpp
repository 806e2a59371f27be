// A server on a Unix socket that sends every line back: start_unix_server, with a limit on its clients.
//
//   unix_echo [path]              the default is /tmp/unix_echo.socket
//
// Try it with: nc -U /tmp/unix_echo.socket
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "ctrl_c.hpp"
#include "say.hpp"

using example::say;

static rouse::Task<> echo(rouse::StreamReader reader, rouse::StreamWriter writer) {
    try {
        for (;;) {
            const std::string line = co_await reader.readline();
            if (line.empty()) break;
            writer.write(line);
            co_await writer.drain(); // a client that does not read is not sent more
        }
    } catch (const std::system_error& error) {
        say(error.what()); // it has broken off, which is no error of ours
    } catch (const rouse::LimitOverrun& error) {
        say(error.what()); // nor is a line that never ends
    }
}

static rouse::Task<> run_server(std::string path) {
    auto& interrupted = example::interrupted();
    const rouse::ServerOptions options{.most_clients = 100};
    auto server = co_await rouse::start_unix_server(echo, path, options);
    say(fmt::format("listening on {}", path));
    co_await interrupted.wait();
    say(fmt::format("ending, with {} clients", server.clients()));
    server.close(); // which removes the file
    co_await server.wait_closed();
}

int main(int count, char** arguments) {
    if (count > 2) {
        fmt::print(stderr, "usage: unix_echo [path]\n");
        return 2;
    }
    try {
        rouse::run(run_server(count > 1 ? arguments[1] : "/tmp/unix_echo.socket"));
    } catch (const std::exception& error) {
        fmt::print(stderr, "unix_echo: {}\n", error.what());
        return 1;
    }
}
