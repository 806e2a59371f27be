// Listening sockets: one for each address of a host, all on one port; or one for a path, and its file.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/io/address.hpp>
#include <rouse/io/detail/descriptor.hpp>
#include <rouse/io/detail/socket.hpp>
#include <rouse/ports/detail/fork_generation.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Removes the file of a Unix socket when destroyed, unless another has taken its place, or this is a child of fork,
/// where it is the parent's. It must be destroyed before the socket is closed: until then the system cannot give the
/// number of the file to another one.
class SocketFile {
public:
    /// Has nothing to remove yet.
    explicit SocketFile(std::string path) : path_{std::move(path)} {}
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    ~SocketFile() {
        struct stat now{};
        if (!made_ || generation_.inherited() || ::lstat(path_.c_str(), &now) != 0) return;
        if (now.st_dev == file_.st_dev && now.st_ino == file_.st_ino) ::unlink(path_.c_str());
    }

    /// A socket has been bound to the path.
    void made() noexcept { made_ = ::lstat(path_.c_str(), &file_) == 0; }

private:
    std::string path_;
    struct stat file_{};
    bool made_ = false;
    ForkGeneration generation_;
};

struct Listeners {
    std::vector<std::unique_ptr<Socket>> sockets;
    std::uint16_t port = 0;           // 0 for a path
    std::unique_ptr<SocketFile> file; // null for a port; behind the sockets, so that it goes first
};

/// Adds a listening socket. Returns 0 or an errno.
inline int watch(Descriptor&& listening, Listeners& listeners) {
    int error = 0;
    auto socket = std::make_unique<Socket>(std::move(listening), error);
    if (error == 0) listeners.sockets.push_back(std::move(socket));
    return error;
}

/// Listens on an address. Returns 0 or an errno.
inline int add_listener(const Address& address, int backlog, Listeners& listeners) {
    Descriptor descriptor{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!descriptor) return errno;
    const int on = 1;
    ::setsockopt(descriptor.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // IPv4 has a socket of its own.
    if (address.family() == AF_INET6) ::setsockopt(descriptor.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(descriptor.number(), address.data(), address.size()) != 0) return errno;
    if (::listen(descriptor.number(), backlog) != 0) return errno;
    const Address bound = Address::of_socket(descriptor.number());
    if (bound.size() == 0) return errno;
    if (listeners.sockets.empty()) listeners.port = bound.port();
    return watch(std::move(descriptor), listeners);
}

/// Listens on all of `addresses` that this machine has, on the port that the first one got. Returns 0 or an errno.
inline int try_to_listen(const std::vector<Address>& addresses, int backlog, Listeners& listeners) {
    int missing = 0;
    for (Address address : addresses) {
        if (!listeners.sockets.empty()) address.set_port(listeners.port);
        const int error = add_listener(address, backlog, listeners);
        if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) {
            missing = error;
        } else if (error != 0) {
            return error;
        }
    }
    return listeners.sockets.empty() ? missing : 0;
}

/// Listens on all of a host's `addresses` that this machine has. Port 0 is any that is free. The error names host and
/// port.
[[nodiscard]] inline Error listen_on(const std::vector<Address>& addresses, const std::string& host, std::uint16_t port,
                                     int backlog, Listeners& listeners) {
    // The port that is free for the first address may be in use at the next: then any other will do.
    for (int attempts_left = port == 0 ? 10 : 1;; --attempts_left) {
        listeners = Listeners{};
        const int error = try_to_listen(addresses, backlog, listeners);
        if (error == 0) return {};
        if (error != EADDRINUSE || attempts_left == 1) {
            return {error, "cannot listen on " + host_and_port(host.empty() ? "any address" : host, port)};
        }
    }
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
