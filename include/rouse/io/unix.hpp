// Unix stream sockets: open_unix_connection and start_unix_server, which take a path for host and port.
//
// They differ from TCP in three ways. They cannot be reset: where something written was dropped, the peer finds the end
// and not an error, unless it had sent something that was never read. A client has no name: its Address is that of the
// server. And a peer that passes descriptors along gets its next bytes read only when others follow or it ends its
// half, since such a message breaks a recv short (see Socket); the descriptors are closed.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/core/sleep.hpp>
#include <rouse/io/address.hpp>
#include <rouse/io/detail/listener.hpp>
#include <rouse/io/open_connection.hpp>
#include <rouse/io/server.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Removes a socket file that nobody listens on. Returns 0, or an errno: EADDRINUSE if somebody does, EEXIST if it is
/// something else than a socket. Who listens sees a client that comes and goes.
inline int remove_stale(const std::string& path, const Address& address) {
    struct stat there{};
    if (::lstat(path.c_str(), &there) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(there.st_mode)) return EEXIST;
    const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!probe) return errno;
    if (::connect(probe.number(), address.data(), address.size()) == 0) return EADDRINUSE;
    if (errno == EAGAIN || errno == EPROTOTYPE) return EADDRINUSE; // its backlog is full; or it takes datagrams
    if (errno != ECONNREFUSED) return errno == ENOENT ? 0 : errno;
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

/// Listens on a path. The error names it.
[[nodiscard]] inline Error listen_on_path(const std::string& path, int backlog, Listeners& listeners) {
    Reply<Address> named = Address::unix_path(path);
    if (is_error(named)) return error_of(named);
    const Address& address = value_of(named);
    const std::string what = "cannot listen on " + path;
    Descriptor descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!descriptor) return {errno, what};
    listeners.file = std::make_unique<SocketFile>(path);
    const auto bind = [&] { return ::bind(descriptor.number(), address.data(), address.size()) == 0 ? 0 : errno; };
    int error = bind();
    if (error == EADDRINUSE) {
        error = remove_stale(path, address);
        if (error == 0) error = bind();
    }
    if (error != 0) return {error, error == EEXIST ? what + ", which is no socket" : what};
    listeners.file->made();
    if (::listen(descriptor.number(), backlog) != 0) return {errno, what};
    error = watch(std::move(descriptor), listeners);
    return error == 0 ? Error{} : Error{error, what};
}

} // namespace detail

/// Connects to the Unix socket of a path. While the backlog of the server is full it tries again, every 64 ms in the
/// end, without an order among those who do; wait_for limits that. Throws std::system_error that names the path, or
/// what Address::unix_path throws. Cancelling it closes what was begun.
[[nodiscard]] inline Task<Reply<Streams>> open_unix_connection(std::string path) {
    using namespace std::chrono_literals;
    Reply<Address> named = Address::unix_path(path);
    if (detail::is_error(named)) co_return detail::failed<Streams>(detail::error_of(named));
    const Address address = detail::value_of(named);
    for (auto pause = 1ms;; pause = std::min(2 * pause, 64ms)) {
        std::shared_ptr<detail::StreamConnection> connection;
        const int error = co_await detail::connect(address, connection);
        if (error == 0) co_return Streams{StreamReader{connection}, StreamWriter{connection}};
        if (error != EAGAIN) co_return detail::failed<Streams>(error, "cannot connect to " + path);
        co_await sleep(pause); // the system has no way to tell when there is room
    }
}

/// Listens on a path, and serves each client as start_server does; the tasks are named "client <path>".
///
/// The path must not exist, but for the socket of a server that has died: one that nobody listens on is replaced. (Two
/// servers that begin on one path in the same instant are not kept apart.) The file gets the rights that the umask
/// leaves: to connect needs the right to write. It is removed when the server closes, if it is still this server's; a
/// relative path must still lead to it then.
///
/// Throws std::system_error that names the path, what Address::unix_path throws, UsageError for bad options, or
/// std::bad_alloc.
template <class Handler>
    requires std::is_invocable_r_v<Task<void>, Handler&, StreamReader, StreamWriter>
[[nodiscard]] Task<Reply<Server>> start_unix_server(Handler handler, std::string path, ServerOptions options = {}) {
    detail::check(options);
    detail::Listeners listeners;
    Error error = detail::listen_on_path(path, options.backlog, listeners);
    if (error) co_return detail::failed<Server>(std::move(error));
    co_return detail::serve(std::move(handler), std::move(listeners), options);
}

} // namespace ROUSE_ABI
} // namespace rouse
