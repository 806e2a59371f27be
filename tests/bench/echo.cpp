// P8: a TCP echo server, 64 connections of 64 bytes: its CPU time for a request, and how many it answers in a second.
// The server has core 0, the clients core 1.
//
//   LD_PRELOAD=libsystem_calls.so echo     also prints the system calls that the servers make for a request
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>

#include <time.h>

#include "comparison.hpp"
#include "echo_load.hpp"
#include "echo_servers.hpp"
#include "placement.hpp"
#include "system_calls.hpp"

namespace {

constexpr int connections = 64;
constexpr auto round_time = std::chrono::milliseconds{100};

using Calls = std::array<double, bench::SystemCalls::kinds>; // for a request
std::map<std::string, Calls> calls_of;

Calls counts(const bench::SystemCalls* calls) {
    Calls result{};
    for (std::size_t i = 0; calls != nullptr && i < result.size(); ++i)
        result[i] = static_cast<double>(calls->counts[i].load(std::memory_order_relaxed));
    return result;
}

// Of all threads but the clients', so also of the kernel's that work for the server.
double server_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec) - bench::thread_cpu_ns();
}

// The server is made anew in each round, so that a lucky or unlucky place in memory does not last.
template <class Server>
bench::Sample measure(const std::string& name, Server serve) {
    std::promise<std::uint16_t> port;
    const bench::SystemCalls* calls = nullptr;
    std::thread server{[&] {
        bench::pin(0);
        calls = bench::SystemCalls::of_this_thread();
        serve(connections, [&port](std::uint16_t number) { port.set_value(number); });
    }};
    bench::pin(1);
    double cpu = 0;
    double requests = 0;
    double ns = 0;
    {
        bench::EchoLoad load{port.get_future().get(), connections};
        load.run_for(round_time / 10); // warm
        const Calls before = counts(calls);
        cpu = server_cpu_ns();
        ns = bench::ns_each(1, [&] { requests = static_cast<double>(load.run_for(round_time)); });
        cpu = (server_cpu_ns() - cpu) / requests;
        const Calls after = counts(calls);
        for (std::size_t i = 0; i < before.size(); ++i) calls_of[name][i] = (after[i] - before[i]) / requests;
    }
    server.join();
    bench::unpin();
    return {cpu / 1e3, requests / ns * 1e6};
}

} // namespace

int main(int argc, char** argv) {
    const bench::Options options{argc, argv};
    const bench::Placement placement{options};
    bench::Comparison comparison{"P8", "TCP echo, 64 connections of 64 bytes: CPU of the server for a request", "us",
                                 1.02, "thousand requests a second"};
    bench::for_each_echo_server(
        [&](const std::string& name, auto serve) { comparison.side(name, [=] { return measure(name, serve); }); });
    comparison.run(options);

    if (bench::SystemCalls::of_this_thread() == nullptr) return 0;
    for (const auto& [name, calls] : calls_of) {
        fmt::print("system calls for a request, {:28}", name);
        for (std::size_t i = 0; i < calls.size(); ++i)
            fmt::print(" {} {:.2f} ", bench::SystemCalls::names[i], calls[i]);
        fmt::print("\n");
    }
}
