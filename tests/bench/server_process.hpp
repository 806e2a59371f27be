// ServerProcess: an echo server in a process of its own on core 0, so that its CPU time and memory can be told from
// those of the clients, which have core 1. The time is the whole process's, with the kernel's threads that work for it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <thread>

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "comparison.hpp"
#include "echo_load.hpp"
#include "placement.hpp"

namespace bench {

inline constexpr auto echo_round_time = std::chrono::milliseconds{60};

/// Serves so many clients until each has closed, and calls the function with its port once it can be connected to.
using Server = void (*)(int, const std::function<void(std::uint16_t)>&);

/// Of a server, in bytes; the kernel's is in neither.
struct ServerMemory {
    double own;      ///< what it has allocated
    double resident; ///< what its process has come to hold in pages of its own, so with what the heap wastes
};

/// The process of one server, from when it can be connected to until its clients have gone.
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
            std::fprintf(stderr, "bench: a server has failed\n");
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

    [[nodiscard]] ServerMemory memory() {
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
        if (::read(from_server_[0], &value, sizeof value) != sizeof value) fail("bench: no answer from a server");
        return value;
    }

    [[noreturn]] void run(Server serve, int connections) {
        pin(0);
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

/// One server with one number of connections; made anew in each round.
class ServerMeasurement {
public:
    ServerMeasurement(Server serve, int connections) : serve_{serve}, connections_{connections} {}

    /// The CPU time for a request, in us; beside it the requests in a second, in thousands.
    Sample cpu() {
        ServerProcess server{serve_, connections_};
        const ServerMemory before = server.memory();
        EchoLoad load{server.port(), connections_};
        load.run_for(echo_round_time / 10); // warm
        const ServerMemory after = server.memory();
        const auto each = [this](double a, double b) { return (a - b) / connections_; };
        memory_.push_back({each(after.own, before.own), each(after.resident, before.resident)});
        const double cpu = server.cpu_ns();
        double requests = 0;
        const double ns = ns_each(1, [&] { requests = static_cast<double>(load.run_for(echo_round_time)); });
        return {(server.cpu_ns() - cpu) / requests / 1e3, requests / ns * 1e6};
    }

    /// The memory for a connection, in bytes, that a round of cpu() has found: own, and beside it resident.
    Sample memory() {
        if (memory_.empty()) cpu();
        const ServerMemory found = memory_.front();
        memory_.pop_front();
        return {found.own, found.resident};
    }

private:
    Server serve_;
    int connections_;
    std::deque<ServerMemory> memory_;
};

/// Lets this process and its children have as many descriptors as they may, and returns whether so many are.
inline bool enough_descriptors(int number) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= static_cast<rlim_t>(number);
}

} // namespace bench
