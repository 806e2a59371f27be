// start_server and Server: connections that come in, each served by a task.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/server_state.hpp>
#include <rouse/io/resolve.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// How much a server takes on.
struct ServerOptions {
    /// How many clients are served at once; 0: no limit. Further ones wait in the backlog, connected but not accepted,
    /// until a client has gone: its handler has ended, and what it had written is sent.
    std::size_t most_clients = 0;

    /// How many connections may wait to be accepted, at least 1; the system may take it for less, or for one more.
    /// What it does with those beyond is the system's affair: on Linux, TCP clients try again for a while.
    int backlog = SOMAXCONN;
};

namespace detail {

/// UsageError if the options break their rules.
inline void check(const ServerOptions& options) {
    if (options.backlog < 1) misuse("rouse: ServerOptions: the backlog must be at least 1");
}

} // namespace detail

/// A server that start_server or start_unix_server has made. Move-only; for the tasks of its loop. Destroying it is
/// close().
class [[nodiscard]] Server {
public:
    /// For the library: see start_server.
    explicit Server(std::shared_ptr<detail::ServerState> state) noexcept : state_{std::move(state)} {}
    /// Takes the server over; only assignment and destruction are allowed of the other then.
    Server(Server&&) noexcept = default;
    /// Closes the server that was here, and takes the other over.
    Server& operator=(Server&& other) noexcept {
        Server before{std::exchange(state_, std::move(other.state_))};
        return *this;
    }
    ~Server() {
        if (state_ != nullptr) state_->close();
    }

    /// The port that it listens on; 0 if it is a path.
    [[nodiscard]] std::uint16_t port() const noexcept { return state_->port(); }

    /// How many clients are being served.
    [[nodiscard]] std::size_t clients() const noexcept { return state_->clients(); }

    /// Stops listening, and cancels the handlers that run, except one that calls this. Connections that nobody has
    /// accepted are refused.
    void close() noexcept { state_->close(); }

    /// Waits until it is closed and all handlers have ended; their descriptors are closed then. Not for a handler:
    /// it would wait for itself.
    [[nodiscard]] Task<void> wait_closed() { return detail::ServerState::wait_closed(state_); }

private:
    std::shared_ptr<detail::ServerState> state_;
};

namespace detail {

/// Serves each client of these listeners. ENOMEM, or std::bad_alloc, if there is no memory for the tasks.
template <class Handler>
[[nodiscard]] Reply<Server> serve(Handler handler, Listeners listeners, const ServerOptions& options) {
    auto state = std::make_shared<HandlerServerState<Handler>>(std::move(handler));
    Server server{state}; // closes it again if start() gives up halfway
    if (state->start(std::move(listeners), options.most_clients)) return server;
#if ROUSE_EXCEPTIONS
    throw std::bad_alloc{};
#else
    return Error{ENOMEM, "cannot start the tasks of a server"};
#endif
}

} // namespace detail

/// Listens on a host (numeric or a name; empty: all addresses of this machine, IPv4 and IPv6) and a port (0: any that
/// is free), and serves each client by a task of its own, named "client 127.0.0.1:1234", that runs
/// handler(StreamReader, StreamWriter) -> Task<void>. The handler object lives as long as any of them.
///
/// A handler that returns leaves a connection that is closed when all is sent, unless it has put its StreamWriter
/// elsewhere. One that throws, or is cancelled, has its connection closed at once; the exception goes to the loop's
/// exception handler, and the server goes on. So it does when descriptors run out: it tries again a little later; and
/// when memory does: the client is reset.
///
/// Throws std::system_error that names host and port, UsageError for bad options, or std::bad_alloc. Without
/// exceptions, the error of the Result is the first; and a handler whose connection fails is told so by what it calls.
///
/// GCC before 13 miscompiles a capturing lambda that is written inside a co_await expression: give it a name first.
template <class Handler>
    requires std::is_invocable_r_v<Task<void>, Handler&, StreamReader, StreamWriter>
[[nodiscard]] Task<Reply<Server>> start_server(Handler handler, std::string host, std::uint16_t port,
                                               ServerOptions options = {}) {
    detail::check(options);
    Reply<std::vector<Address>> addresses = co_await resolve(host, port, Address::Use::listen);
    if (detail::is_error(addresses)) co_return detail::failed<Server>(detail::error_of(addresses));
    detail::Listeners listeners;
    Error error = detail::listen_on(detail::value_of(addresses), host, port, options.backlog, listeners);
    if (error) co_return detail::failed<Server>(std::move(error));
    co_return detail::serve(std::move(handler), std::move(listeners), options);
}

} // namespace ROUSE_ABI
} // namespace rouse
