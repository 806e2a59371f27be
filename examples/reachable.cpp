// Which of many servers accept a connection? Four are tried at once, each for two seconds at most, and Ctrl-C ends it
// all: a TaskGroup, a Semaphore, and a time limit.
//
//   reachable host:port...
//
// The exit status is 0 only if all of them do.
#include <chrono>
#include <climits>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"

using namespace std::chrono_literals;

struct Server {
    std::string host;
    std::uint16_t port = 0;
};

static std::optional<Server> parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    Server server{std::string{text.substr(0, colon)}};
    if (!example::parse_number(text.substr(colon + 1), server.port) || server.port == 0) return std::nullopt;
    return server;
}

static rouse::Task<> connect(const Server& server) {
    auto [reader, writer] = co_await rouse::open_connection(server.host, server.port);
    writer.close();
}

static rouse::Task<> try_one(const Server& server, rouse::Semaphore& at_once, std::size_t& reached) {
    const auto place = co_await at_once.scoped();
    const auto begin = rouse::Clock::now();
    const auto outcome = co_await rouse::try_wait_for(connect(server), 2s);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(rouse::Clock::now() - begin);
    reached += outcome.has_value();
    std::string result = outcome.timed_out() ? "no answer" : "yes";
    if (outcome.error()) {
        try {
            std::rethrow_exception(outcome.error());
        } catch (const std::exception& error) {
            result = error.what();
        }
    }
    fmt::print("{}:{}: {}, after {} ms\n", server.host, server.port, result, took.count());
}

static rouse::Task<> try_all(const std::vector<Server>& servers, std::size_t& reached) {
    rouse::Semaphore at_once{4};
    // The lambda lives as long as it runs: until run() returns.
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines)
    co_await rouse::TaskGroup::run([&](rouse::TaskGroup& group) -> rouse::Task<> {
        for (const Server& server : servers) group.create_task(try_one(server, at_once, reached));
        co_return;
    });
}

static rouse::Task<int> run_example(std::vector<Server> servers) {
    const auto guard = rouse::on_cancel([] { fmt::print("interrupted\n"); });
    std::size_t reached = 0;
    co_await try_all(servers, reached);
    co_return reached == servers.size() ? 0 : 1;
}

int main(int argc, char** argv) {
    constexpr auto usage = "reachable host:port...";
    if (const auto status = example::wrong_arguments(argc, argv, INT_MAX - 1, usage)) return *status;
    std::vector<Server> servers;
    for (int i = 1; i < argc; ++i) {
        if (auto server = parse(argv[i])) servers.push_back(*std::move(server));
    }
    if (argc < 2 || servers.size() + 1 != static_cast<std::size_t>(argc)) return example::refuse(usage);
    return example::run_main("reachable", [&] { return run_example(std::move(servers)); });
}
