// The least code that sends back what comes in on TCP connections: edge-triggered epoll, no state for a connection.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace floor_of {

inline constexpr std::size_t echo_buffer_bytes = 1024; // the same for all sides

inline int checked(int result, const char* call) {
    if (result < 0) {
        std::perror(call);
        std::abort();
    }
    return result;
}

/// A listening socket on 127.0.0.1, at a port that the system chooses, and that port. What it accepts is without delay.
inline std::pair<int, std::uint16_t> listen_on_loopback(int flags) {
    const int listener = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket");
    const int on = 1;
    checked(::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    checked(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
    checked(::listen(listener, SOMAXCONN), "listen");
    checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return {listener, ::ntohs(address.sin_port)};
}

// That a client does not read is not provided for: its answers fit into the socket.
inline void send_all(int descriptor, const void* bytes, std::size_t size) {
    if (::send(descriptor, bytes, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) std::abort();
}

/// Sends back what has come in on a socket that has become readable; `ended` if its end has come, too. True if that was
/// found: then the socket is closed. A recv that does not fill the buffer has drained the socket, unless the end is
/// behind it.
inline bool send_back(int descriptor, bool ended) {
    std::array<char, echo_buffer_bytes> buffer;
    for (bool more = true; more;) {
        const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
        if (got == 0) {
            ::close(descriptor);
            return true;
        }
        if (got < 0 && errno == EAGAIN) break;
        checked(static_cast<int>(got), "recv");
        send_all(descriptor, buffer.data(), static_cast<std::size_t>(got));
        more = got == static_cast<ssize_t>(buffer.size()) || ended;
    }
    return false;
}

/// Serves `connections` clients until each has closed. Calls listening(port) once it can be connected to.
inline void echo(int connections, const std::function<void(std::uint16_t)>& listening) {
    const auto [listener, port] = listen_on_loopback(SOCK_NONBLOCK);
    const int epoll = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    const auto watch = [epoll](int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
        event.data.fd = descriptor;
        checked(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
    };
    watch(listener);
    listening(port);

    std::array<epoll_event, 128> events;
    while (connections > 0) {
        const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
        for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(count < 0 ? 0 : count))) {
            if (event.data.fd != listener) {
                connections -= static_cast<int>(send_back(event.data.fd, (event.events & EPOLLRDHUP) != 0));
                continue;
            }
            for (int accepted = -1;
                 (accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
                watch(accepted);
        }
    }
    ::close(epoll);
    ::close(listener);
}

} // namespace floor_of
