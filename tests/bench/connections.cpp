// The TCP echo server of echo.cpp with 1 to 10,000 connections: its CPU time for a request, how many it answers in a
// second, and what memory a connection takes, see server_process.hpp.
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "echo_servers.hpp"
#include "placement.hpp"
#include "server_process.hpp"

namespace {

void compare(int connections, const bench::Options& options) {
    std::vector<std::pair<std::string, bench::ServerMeasurement>> sides;
    bench::for_each_echo_server([&](const std::string& name, bench::Server serve) {
        sides.emplace_back(name, bench::ServerMeasurement{serve, connections});
    });
    const std::string n = fmt::format(", n={}", connections);
    bench::Comparison cpu{"connections", "CPU of a TCP echo server for a request" + n, "us", 0,
                          "thousand requests a second"};
    bench::Comparison memory{"connections", "own memory of a TCP echo server for a connection" + n, "bytes", 0,
                             "resident"};
    for (auto& [name, measurement] : sides) {
        cpu.side(name, [&measurement = measurement] { return measurement.cpu(); });
        // That of the floor is nothing, or what it has only once: no figure to compare with.
        if (!name.starts_with("floor"))
            memory.side(name, [&measurement = measurement] { return measurement.memory(); });
    }
    for (auto& [name, measurement] : sides) {
        if (name.starts_with("floor")) memory.side(name, [&measurement = measurement] { return measurement.memory(); });
    }
    cpu.run(options);
    memory.run(options);
}

} // namespace

int main(int argc, char** argv) {
    bench::Options options{argc, argv};
    if (options.allocations) return 0; // they would be those of this process, not of the servers
    bench::pin(1);
    for (const int connections : {1, 10, 100, 1000, 10'000}) {
        if (!bench::enough_descriptors(connections + 100)) {
            fmt::print("{} connections are left out: too few descriptors (ulimit -Hn)\n", connections);
            break;
        }
        if (connections == 10'000) options.rounds = std::min(options.rounds, 3); // each takes a second
        compare(connections, options);
    }
}
