// The TCP echo server of echo.cpp with 1 to 10,000 connections: its CPU time for a request, how many it answers in a
// second, and what memory a connection takes. The server is a process of its own on core 0, made anew in each round;
// the clients have core 1.
//
// "own" memory is what the server has allocated; "resident" what its process has come to hold in pages of its own, so
// with what the heap wastes. The kernel's is in neither.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "comparison.hpp"
#include "echo_load.hpp"
#include "echo_servers.hpp"
#include "floor_echo.hpp"
#include "placement.hpp"

namespace {

constexpr auto round_time = std::chrono::milliseconds{60};

using Server = void (*)(int, const bench::Listening&);

struct Memory {
    double own;
    double resident;
};

class ServerProcess {
public:
    ServerProcess(Server serve, int connections) {
        std::fflush(nullptr);
        ::malloc_trim(0); // free memory of ours that it uses again would not be counted
        if (::pipe(to_server_.data()) != 0 || ::pipe(from_server_.data()) != 0) fail("pipe");
        process_ = ::fork();
        if (process_ < 0) fail("fork");
        if (process_ == 0) run(serve, connections);
        ::close(to_server_[0]);
        ::close(from_server_[1]);
        port_ = answer<std::uint16_t>();
    }
    ~ServerProcess() {
        int status = 0;
        ::waitpid(process_, &status, 0);
        ::close(to_server_[1]);
        ::close(from_server_[0]);
        if (status != 0) {
            std::fprintf(stderr, "connections: a server has failed\n");
            std::exit(1);
        }
    }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] double cpu_ns() const {
        clockid_t clock{};
        timespec time{};
        ::clock_getcpuclockid(process_, &clock);
        ::clock_gettime(clock, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    }

    [[nodiscard]] Memory memory() {
        if (::write(to_server_[1], "?", 1) != 1) fail("write");
        return {static_cast<double>(answer<std::size_t>()), resident()};
    }

private:
    [[noreturn]] static void fail(const char* what) {
        std::perror(what);
        std::exit(1);
    }

    template <class T>
    T answer() {
        T value{};
        if (::read(from_server_[0], &value, sizeof value) != sizeof value) fail("connections: no answer from a server");
        return value;
    }

    [[noreturn]] void run(Server serve, int connections) {
        bench::pin(0);
        ::close(to_server_[1]);
        ::close(from_server_[0]);
        const auto tell = [this](auto value) {
            if (::write(from_server_[1], &value, sizeof value) != sizeof value) ::_exit(1);
        };
        std::thread{[this, tell] {
            for (char asked = 0; ::read(to_server_[0], &asked, 1) == 1;) {
                const auto heap = ::mallinfo2(); // the main thread's
                tell(heap.uordblks + heap.hblkhd);
            }
        }}.detach();
        serve(connections, tell);
        ::_exit(0);
    }

    [[nodiscard]] double resident() const {
        std::FILE* file = std::fopen(fmt::format("/proc/{}/smaps_rollup", process_).c_str(), "r");
        if (file == nullptr) fail("smaps_rollup");
        char line[256];
        long kilobytes = -1;
        while (kilobytes < 0 && std::fgets(line, sizeof line, file) != nullptr)
            std::sscanf(line, "Private_Dirty: %ld", &kilobytes);
        std::fclose(file);
        return static_cast<double>(kilobytes) * 1024;
    }

    std::array<int, 2> to_server_{};
    std::array<int, 2> from_server_{};
    pid_t process_ = -1;
    std::uint16_t port_ = 0;
};

// One side with one number of connections.
class Measurement {
public:
    Measurement(Server serve, int connections) : serve_{serve}, connections_{connections} {}

    bench::Sample cpu() {
        ServerProcess server{serve_, connections_};
        const Memory before = server.memory();
        bench::EchoLoad load{server.port(), connections_};
        load.run_for(round_time / 10); // warm
        const Memory after = server.memory();
        const auto each = [this](double a, double b) { return (a - b) / connections_; };
        memory_.push_back({each(after.own, before.own), each(after.resident, before.resident)});
        const double cpu = server.cpu_ns();
        double requests = 0;
        const double ns = bench::ns_each(1, [&] { requests = static_cast<double>(load.run_for(round_time)); });
        return {(server.cpu_ns() - cpu) / requests / 1e3, requests / ns * 1e6};
    }

    // What a round of cpu() has found.
    bench::Sample memory() {
        if (memory_.empty()) cpu();
        const Memory found = memory_.front();
        memory_.pop_front();
        return {found.own, found.resident};
    }

private:
    Server serve_;
    int connections_;
    std::deque<Memory> memory_;
};

void compare(int connections, const bench::Options& options) {
    std::vector<std::pair<std::string, Measurement>> sides;
    sides.emplace_back("floor: edge-triggered epoll", Measurement{floor_of::echo, connections});
    sides.emplace_back("rouse", Measurement{bench::rouse_echo, connections});
#if HAVE_ASIO
    sides.emplace_back("asio, awaitable", Measurement{bench::asio_echo, connections});
#endif
    const std::string what = fmt::format("TCP echo, {} connections: ", connections);
    bench::Comparison cpu{"scale", what + "CPU of the server for a request", "us", 0, "thousand requests a second"};
    bench::Comparison memory{"scale", what + "own memory of the server for each (the floor: none)", "bytes", 0,
                             "resident"};
    for (auto& [name, side] : sides) {
        cpu.side(name, [&measurement = side] { return measurement.cpu(); });
        // The floor has no memory for a connection, so there is nothing to compare with: rouse is the first here.
        if (&side != &sides.front().second) memory.side(name, [&measurement = side] { return measurement.memory(); });
    }
    cpu.run(options);
    if (connections >= 1000) memory.run(options); // of fewer, what the server has only once is not small beside them
}

bool enough_descriptors(int number) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= static_cast<rlim_t>(number);
}

} // namespace

int main(int argc, char** argv) {
    bench::Options options{argc, argv};
    bench::pin(1);
    for (const int connections : {1, 10, 100, 1000, 10'000}) {
        if (!enough_descriptors(connections + 100)) {
            fmt::print("{} connections are left out: too few descriptors (ulimit -Hn)\n", connections);
            break;
        }
        if (connections == 10'000) options.rounds = std::min(options.rounds, 3); // each takes a second
        compare(connections, options);
    }
}
