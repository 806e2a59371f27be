// Address: the address of a socket, and how the name of a host becomes addresses.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/reply.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The category of errors of name resolution that are not errors of the system.
[[nodiscard]] inline const std::error_category& resolve_category() noexcept {
    struct Category final : std::error_category {
        const char* name() const noexcept override { return "resolve"; }
        std::string message(int code) const override { return ::gai_strerror(code); }
    };
    static const Category category;
    return category;
}

/// An IPv4 or IPv6 address with a port, or the path of a Unix socket. A value: copy it freely.
class Address {
public:
    /// No address.
    Address() noexcept = default;

    /// Copies an address that the system returned.
    Address(const sockaddr* address, socklen_t size) noexcept
        : size_{(std::min)(size, static_cast<socklen_t>(sizeof storage_))} {
        std::memcpy(&storage_, address, size_);
    }

    /// The purpose of an address, which decides what an empty host means.
    enum class Use { connect, listen };

    /// Returns the addresses of a host, at least one, in the system's order of preference. An empty host means this
    /// machine: its loopback address to connect to, all its addresses to listen on. Blocks the calling thread while the
    /// system asks its name servers; returns at once for a numeric address. Throws std::system_error that names the
    /// host.
    static Reply<std::vector<Address>> resolve(const std::string& host, std::uint16_t port, Use use = Use::connect);

    /// Returns the address of the Unix socket at this path. UsageError if the path is empty or contains a NUL (the
    /// system would take either for another kind of name). Throws std::system_error (ENAMETOOLONG) that names the path
    /// if it is longer than 107 bytes.
    static Reply<Address> unix_path(const std::string& path);

    /// Returns the address that a socket is bound to; no address if the descriptor is bad.
    static Address of_socket(int descriptor) noexcept {
        Address address;
        address.size_ = sizeof address.storage_;
        if (::getsockname(descriptor, address.data(), &address.size_) != 0) address.size_ = 0;
        return address;
    }

    /// AF_INET, AF_INET6 or AF_UNIX; AF_UNSPEC if there is no address.
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }

    /// Whether it is the address of a Unix socket without a path, as clients have.
    [[nodiscard]] bool is_unnamed() const noexcept { return family() == AF_UNIX && path().empty(); }

    /// The port; 0 if the address has none.
    [[nodiscard]] std::uint16_t port() const noexcept {
        const std::uint16_t* port = port_in_storage();
        return port == nullptr ? std::uint16_t{0} : ntohs(*port);
    }

    /// Sets the port. Does nothing to an address without one.
    void set_port(std::uint16_t port) noexcept {
        if (auto* place = const_cast<std::uint16_t*>(port_in_storage())) *place = htons(port);
    }

    /// The numeric address without the port; for a Unix socket its path, or "(unnamed)" if it has none.
    [[nodiscard]] std::string host() const {
        if (family() == AF_UNIX) return std::string{is_unnamed() ? "(unnamed)" : path()};
        char text[NI_MAXHOST];
        if (::getnameinfo(data(), size_, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return "(unknown)";
        return text;
    }

    /// Address and port, as "127.0.0.1:80" or "[::1]:80"; for a Unix socket the same as host().
    [[nodiscard]] std::string text() const {
        if (family() == AF_UNIX) return host();
        const std::string digits = family() == AF_INET6 ? "[" + host() + "]" : host();
        return digits + ":" + std::to_string(port());
    }

    /// The address as the system's calls take it.
    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    /// The address for a system call to fill in.
    [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
    /// The size of data() in bytes; 0 if there is no address.
    [[nodiscard]] socklen_t size() const noexcept { return size_; }

    friend bool operator==(const Address& a, const Address& b) noexcept {
        return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
    }

private:
    [[nodiscard]] const std::uint16_t* port_in_storage() const noexcept {
        if (family() == AF_INET) return &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port;
        if (family() == AF_INET6) return &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port;
        return nullptr;
    }

    // The path of a Unix socket; empty if it has none. The system need not end it with a NUL.
    [[nodiscard]] std::string_view path() const noexcept {
        constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
        if (size_ <= begin) return {};
        const char* const path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
        return {path, ::strnlen(path, size_ - begin)};
    }

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

namespace detail {

/// Formats a host and a port for error messages.
inline std::string host_and_port(std::string_view host, std::uint16_t port) {
    return std::string{host} + " port " + std::to_string(port);
}

/// Formats an address for error messages; for a Unix socket, its path.
inline std::string host_and_port(const Address& address) {
    return address.family() == AF_UNIX ? address.host() : host_and_port(address.host(), address.port());
}

} // namespace detail

inline Reply<Address> Address::unix_path(const std::string& path) {
    if (path.empty()) detail::misuse("rouse: Address::unix_path: the path must not be empty");
    if (path.find('\0') != std::string::npos)
        detail::misuse("rouse: Address::unix_path: the path must not contain a NUL");
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path)
        return detail::failed<Address>(ENAMETOOLONG, "cannot name a Unix socket " + path);
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    // Includes the NUL, as the system returns it.
    const std::size_t size = offsetof(sockaddr_un, sun_path) + path.size() + 1;
    return Address{reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)};
}

inline Reply<std::vector<Address>> Address::resolve(const std::string& host, std::uint16_t port, Use use) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM; // one entry for each address, whatever its use
    hints.ai_flags = AI_NUMERICSERV | (use == Use::listen ? AI_PASSIVE : 0);
    addrinfo* first = nullptr;
    const std::string service = std::to_string(port);
    const std::string what = "cannot resolve " + (host.empty() ? "the addresses of this machine" : host);
    const int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &first);
    if (code == EAI_SYSTEM) return detail::failed<std::vector<Address>>(errno, what);
    if (code != 0) return detail::failed<std::vector<Address>>(Error{{code, resolve_category()}, what});

    struct Free {
        void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
    };
    const std::unique_ptr<addrinfo, Free> found{first};
    std::vector<Address> addresses;
    for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
        const Address address{each->ai_addr, each->ai_addrlen};
        // /etc/hosts may name one address twice.
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
    }
    return addresses;
}

} // namespace ROUSE_ABI
} // namespace rouse
