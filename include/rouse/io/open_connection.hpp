// open_connection: connects to a host by TCP.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rouse/io/detail/wrap.hpp>
#include <rouse/io/resolve.hpp>
#include <rouse/io/stream.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The two halves of a connection.
using Streams = std::pair<StreamReader, StreamWriter>;

namespace detail {

inline Streams streams(const std::shared_ptr<StreamConnection>& connection) noexcept {
    return {wrap<StreamReader>(connection), wrap<StreamWriter>(connection)};
}

/// Connects to one address and puts the connection into `connected`. Returns 0 or an errno.
inline Task<int> connect(Address address, std::shared_ptr<StreamConnection>& connected) {
    Descriptor descriptor{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!descriptor) co_return errno;
    // Connects before the port watches the socket, as epoll reports a hang-up for one that is not connecting yet. An
    // interrupted connect continues by itself, like one in progress.
    const int begun = ::connect(descriptor.number(), address.data(), address.size()) == 0 ? 0 : errno;
    if (begun != 0 && begun != EINPROGRESS && begun != EINTR) co_return begun;
    int error = 0;
    connected = std::make_shared<StreamConnection>(std::move(descriptor), address, error);
    if (error != 0) co_return error;
    if (begun != 0) co_await connected->writable();
    co_return connected->pending_error();
}

} // namespace detail

/// Connects to a host, given by name or address, trying its addresses one after the other. Use wait_for for a time
/// limit. For tasks of a loop whose port can watch descriptors. Throws std::system_error that names the host, with the
/// error of its first address, which the system prefers. Cancelling it closes the connection in progress.
[[nodiscard]] inline Task<Reply<Streams>> open_connection(std::string host, std::uint16_t port) {
    int error_of_first = 0;
    Reply<std::vector<Address>> addresses = co_await resolve(host, port);
    if (detail::is_error(addresses)) co_return detail::failed<Streams>(detail::error_of(addresses));
    for (const Address& address : detail::value_of(addresses)) {
        std::shared_ptr<detail::StreamConnection> connection;
        const int error = co_await detail::connect(address, connection);
        if (error == 0) co_return detail::streams(connection);
        if (error_of_first == 0) error_of_first = error;
    }
    const std::string name = detail::host_and_port(host.empty() ? "this machine" : host, port);
    co_return detail::failed<Streams>(error_of_first, "cannot connect to " + name);
}

} // namespace ROUSE_ABI
} // namespace rouse
