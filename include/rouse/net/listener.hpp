// Listening sockets: one for each address of a host, all on one port.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/net/address.hpp>
#include <rouse/net/socket.hpp>

namespace rouse::inline ROUSE_ABI::net {

using Listeners = std::vector<std::unique_ptr<Socket>>;

/// A listening descriptor, or an errno, negative.
[[nodiscard]] inline int open_listener(const Address& address) noexcept {
    const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // IPv4 has a socket of its own.
    if (address.family() == AF_INET6) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const bool bound = ::bind(descriptor, address.data(), address.size()) == 0;
    if (bound && ::listen(descriptor, SOMAXCONN) == 0) return descriptor;
    const int error = errno;
    ::close(descriptor);
    return -error;
}

/// Listens on all of `addresses` that this machine has, on the port that the first one got. Returns 0 or an errno.
inline int try_to_listen(const std::vector<Address>& addresses, Listeners& listeners) {
    int missing = 0;
    for (Address address : addresses) {
        if (!listeners.empty()) address.set_port(Address::of_socket(listeners.front()->descriptor()).port());
        const int descriptor = open_listener(address);
        if (descriptor >= 0) {
            listeners.push_back(std::make_unique<Socket>(descriptor));
        } else if (descriptor == -EAFNOSUPPORT || descriptor == -EADDRNOTAVAIL) {
            missing = -descriptor;
        } else {
            return -descriptor;
        }
    }
    return listeners.empty() ? missing : 0;
}

/// Listens on all addresses of a host; on all of this machine, IPv4 and IPv6, if it is empty. Port 0 is any that is
/// free. Throws std::system_error that names host and port.
[[nodiscard]] inline Listeners listen_on(const std::string& host, std::uint16_t port) {
    const std::vector<Address> addresses = Address::resolve(host, port, Address::Use::listen);
    // The port that is free for the first address may be in use at the next: then any other will do.
    for (int attempts_left = port == 0 ? 10 : 1;; --attempts_left) {
        Listeners listeners;
        const int error = try_to_listen(addresses, listeners);
        if (error == 0) return listeners;
        if (error != EADDRINUSE || attempts_left == 1) {
            fail(error, "cannot listen on " + host_and_port(host.empty() ? "any address" : host, port));
        }
    }
}

} // namespace rouse::inline ROUSE_ABI::net
