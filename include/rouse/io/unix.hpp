// Unix stream sockets: open_unix_connection and start_unix_server, which take a path instead of host and port.
//
// They differ from TCP in three ways. They cannot be reset: if written bytes were dropped, the peer reads the end
// instead of an error, unless it had sent bytes that were never read. A client has no name: its Address is that of the
// server. And if a peer passes descriptors, its next bytes are read only when more follow or it ends its half, since
// such a message cuts a recv short (see Socket); the descriptors are closed.
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

/// Removes a socket file that no process listens on. Returns 0, or an errno: EADDRINUSE if a process does (which then
/// sees a client connect and disconnect), EEXIST if the file is not a socket.
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

/// Listens on a path. The error names the path.
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

/// Connects to the Unix socket at a path. While the backlog of the server is full it retries, first after 1 ms, later
/// every 64 ms; clients that retry get no order. Use wait_for for a time limit. For tasks of a loop whose port can
/// watch descriptors. Throws std::system_error that names the path, or what Address::unix_path() throws. Cancelling it
/// closes the connection in progress.
[[nodiscard]] inline Task<Reply<Streams>> open_unix_connection(std::string path) {
    using namespace std::chrono_literals;
    Reply<Address> named = Address::unix_path(path);
    if (detail::is_error(named)) co_return detail::failed<Streams>(detail::error_of(named));
    const Address address = detail::value_of(named);
    for (auto pause = 1ms;; pause = (std::min)(2 * pause, 64ms)) {
        std::shared_ptr<detail::StreamConnection> connection;
        const int error = co_await detail::connect(address, connection);
        if (error == 0) co_return detail::streams(connection);
        if (error != EAGAIN) co_return detail::failed<Streams>(error, "cannot connect to " + path);
        co_await sleep(pause); // the system does not report when there is room
    }
}

namespace detail {

/// The task of start_unix_server().
template <class Handler>
[[nodiscard]] Task<Reply<Server>> serve_on_path(Handler handler, std::string path, ServerOptions options) {
    check_options(options);
    Listeners listeners;
    Error error = listen_on_path(path, options.backlog, listeners);
    if (error) co_return failed<Server>(std::move(error));
    co_return serve(std::move(handler), std::move(listeners), options);
}

} // namespace detail

/// Listens on a path, and serves each client as start_server does; the tasks are named "client <path>".
///
/// The path must not exist, except as the socket of a server that has died: a socket that no process listens on is
/// replaced. (Two servers that start on one path at the same instant are not kept apart.) The umask determines the
/// permissions of the file; connecting needs write permission. The file is removed when the server closes, if it is
/// still this server's; a relative path must still lead to it then.
///
/// Throws std::system_error that names the path, what Address::unix_path() throws, UsageError for bad options, or
/// std::bad_alloc.
template <class Handler>
    requires std::is_invocable_r_v<Task<void>, std::decay_t<Handler>&, StreamReader, StreamWriter>
[[nodiscard]] Task<Reply<Server>> start_unix_server(Handler&& handler, std::string path, ServerOptions options = {}) {
    detail::check_handler<Handler>();
    return detail::serve_on_path<std::decay_t<Handler>>(std::forward<Handler>(handler), std::move(path), options);
}

} // namespace ROUSE_ABI
} // namespace rouse
