// What the tests of net under load have in common: how much, by which chance, and clients in a process of their own.
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/io/server.hpp>
#include <rouse/rouse.hpp>

#include "io/loopback.hpp"
#include "stress/held.hpp"
#include "stress/storm.hpp"

namespace test {

/// No test of load takes longer, in seconds.
inline constexpr unsigned load_seconds = 100;

/// So many, or fewer if they cost more: under a sanitizer, or if ROUSE_LOAD_DIVISOR in the environment says so.
template <class T>
T scaled(T count, T least) {
    const char* const text = std::getenv("ROUSE_LOAD_DIVISOR");
    const T divisor = text != nullptr ? static_cast<T>(std::atol(text)) : T{ROUSE_ASAN || ROUSE_TSAN ? 16 : 1};
    return std::max(least, count / std::max(divisor, T{1}));
}

/// ROUSE_LOAD_SEED in the environment, or another one each time; printed, so that a failure can be had again.
inline unsigned load_seed(const char* what) {
    const char* const text = std::getenv("ROUSE_LOAD_SEED");
    const unsigned seed =
        text == nullptr ? std::random_device{}() : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
    std::printf("load: %s: ROUSE_LOAD_SEED=%u\n", what, seed);
    std::fflush(stdout);
    return seed;
}

/// Takes as many descriptors as this process may have.
inline std::size_t most_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/// A child of fork, made while there is neither loop nor thread, that calls clients(port) when it is told the port, and
/// ends well if that returns true.
class Clients {
public:
    template <class F>
    explicit Clients(F clients) {
        int ends[2];
        if (::pipe(ends) != 0 || (child_ = ::fork()) < 0) throw std::runtime_error{"no process to test with"};
        if (child_ == 0) {
            std::signal(SIGALRM, SIG_DFL);
            ::alarm(load_seconds);
            ::close(ends[1]);
            std::uint16_t port = 0;
            const bool told = ::read(ends[0], &port, sizeof port) == sizeof port;
            ::close(ends[0]);
            const bool well = told && clients(port);
            std::fflush(stdout);
            ::_exit(well ? 0 : 1);
        }
        ::close(ends[0]);
        to_child_ = ends[1];
    }
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;
    ~Clients() {
        ::close(to_child_);
        if (status_ != running) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, &status_, 0);
    }

    void begin(std::uint16_t port) { static_cast<void>(::write(to_child_, &port, sizeof port) == sizeof port); }
    bool ended() {
        if (status_ == running) ::waitpid(child_, &status_, WNOHANG);
        return status_ != running;
    }
    [[nodiscard]] bool well() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

private:
    static constexpr int running = -1;
    pid_t child_ = -1;
    int to_child_ = -1;
    int status_ = running;
};

/// Waits until all clients have gone, so that what they held is given back.
inline rouse::Task<> until_all_have_gone(const rouse::Server& server) {
    while (server.clients() > 0) co_await rouse::sleep(std::chrono::milliseconds{1});
}

/// Runs a test twice, small and large: what it holds must be the same before and after the second time.
template <class F>
void leaves_nothing(F test, int small, int large) {
    loopback::bounded(test(small), load_seconds / 10);
    const Held before = Held::now();
    loopback::bounded(test(large), load_seconds);
    CHECK(Held::now() == before);
}

/// Closes it when all clients have gone.
inline rouse::Task<> close_and_wait(rouse::Server& server) {
    co_await until_all_have_gone(server);
    server.close();
    co_await server.wait_closed();
}

/// Takes so many bytes, when they come; or fewer if the end does.
inline rouse::Task<> takes(const loopback::Plain& client, std::size_t count) {
    std::string memory(65536, '\0');
    while (count > 0) {
        const auto got = ::recv(client.descriptor(), memory.data(), std::min(memory.size(), count), MSG_DONTWAIT);
        if (got == 0) break;
        if (got > 0) count -= static_cast<std::size_t>(got);
        if (got < 0) co_await rouse::sleep(std::chrono::milliseconds{1});
    }
}

} // namespace test
