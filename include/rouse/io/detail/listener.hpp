// Listeners: the listening sockets of a server: one for each address of a host, all on one port; or one for a path,
// with its file.
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

/// Removes the file of a Unix socket when destroyed, unless another file has taken its place, or this is a child of
/// fork(), where the file belongs to the parent. It must be destroyed before the socket is closed: until then the
/// system cannot reuse the file's inode number, by which it is recognised.
class SocketFile {
public:
    /// Removes nothing until made() has been called.
    explicit SocketFile(std::string path) : path_{std::move(path)} {}
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    ~SocketFile() {
        struct stat now{};
        if (!made_ || generation_.inherited() || ::lstat(path_.c_str(), &now) != 0) return;
        if (now.st_dev == file_.st_dev && now.st_ino == file_.st_ino) ::unlink(path_.c_str());
    }

    /// To be called once a socket has been bound to the path.
    void made() noexcept { made_ = ::lstat(path_.c_str(), &file_) == 0; }

private:
    std::string path_;
    struct stat file_{};
    bool made_ = false;
    ForkGeneration generation_;
};

/// The listening sockets of one server. Closes them, and removes the file, when destroyed.
struct Listeners {
    std::vector<std::unique_ptr<Socket>> sockets;
    std::uint16_t port = 0;           // 0 for a path
    std::unique_ptr<SocketFile> file; // null for a port; after the sockets, so that it is destroyed first
};

/// Adds a listening socket, and watches it. Returns 0 or an errno.
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
    // IPv4 has a separate socket.
    if (address.family() == AF_INET6) ::setsockopt(descriptor.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(descriptor.number(), address.data(), address.size()) != 0) return errno;
    if (::listen(descriptor.number(), backlog) != 0) return errno;
    const Address bound = Address::of_socket(descriptor.number());
    if (bound.size() == 0) return errno;
    if (listeners.sockets.empty()) listeners.port = bound.port();
    return watch(std::move(descriptor), listeners);
}

/// Listens on those of `addresses` that this machine has, all on the port of the first. Returns 0 or an errno.
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

/// Listens on those of a host's `addresses` that this machine has. Port 0 means any free port. The error names host and
/// port.
[[nodiscard]] inline Error listen_on(const std::vector<Address>& addresses, const std::string& host, std::uint16_t port,
                                     int backlog, Listeners& listeners) {
    // A port that is free at the first address may be in use at the next: then try another one.
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
