// A server on a Unix socket that sends every line back: start_unix_server, with a limit on its clients.
//
//   unix_echo [path]              the default is /tmp/unix_echo.socket
//
// Try it with: nc -U /tmp/unix_echo.socket
#include <chrono>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"
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
    const rouse::ServerOptions options{.most_clients = 100};
    auto server = co_await rouse::start_unix_server(echo, path, options);
    say(fmt::format("listening on {}", path));
    const auto guard = rouse::on_cancel([] { say("ended"); });
    co_await server.serve_forever(std::chrono::seconds{1}); // which clients have to finish; the file is removed at once
}

int main(int count, char** arguments) {
    if (const auto status = example::wrong_arguments(count, arguments, 1, "unix_echo [path]")) return *status;
    const std::string path = count > 1 ? arguments[1] : "/tmp/unix_echo.socket";
    return example::run_server("unix_echo", [&] { return run_server(path); });
}
