// The least code that sends back what comes in on TCP connections: edge-triggered epoll, no state for a connection.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>

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

/// Serves `connections` clients until each has closed. Calls listening(port) once it can be connected to.
inline void echo(int connections, const std::function<void(std::uint16_t)>& listening) {
    const int listener = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    checked(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
    checked(::listen(listener, SOMAXCONN), "listen");
    checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");

    const int epoll = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    const auto watch = [epoll](int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
        event.data.fd = descriptor;
        checked(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
    };
    watch(listener);
    listening(::ntohs(address.sin_port));

    std::array<char, echo_buffer_bytes> buffer;
    std::array<epoll_event, 128> events;
    while (connections > 0) {
        const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
        for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(count < 0 ? 0 : count))) {
            const int descriptor = event.data.fd;
            if (descriptor == listener) {
                int accepted = -1;
                while ((accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    const int on = 1;
                    ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    watch(accepted);
                }
                continue;
            }
            // A recv that does not fill the buffer has drained the socket, unless the end is behind it.
            for (bool more = true; more;) {
                const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
                if (got == 0) {
                    ::close(descriptor);
                    --connections;
                    break;
                }
                if (got < 0 && errno == EAGAIN) break;
                checked(static_cast<int>(got), "recv");
                // That a client does not read is not provided for: its answers fit into the socket.
                if (::send(descriptor, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) std::abort();
                more = got == static_cast<ssize_t>(buffer.size()) || (event.events & EPOLLRDHUP) != 0;
            }
        }
    }
    ::close(epoll);
    ::close(listener);
}

} // namespace floor_of
