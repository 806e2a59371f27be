// start_server and Server: accept connections, and serve each by a task.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rouse/core/detail/dangling.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/io/detail/server_state.hpp>
#include <rouse/io/detail/wrap.hpp>
#include <rouse/io/resolve.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The limits of a server.
struct ServerOptions {
    /// The greatest number of clients served at a time; 0 for no limit. Further clients wait in the backlog, connected
    /// but not accepted, until a client has gone: its handler has ended and all that it had written has been sent.
    std::size_t most_clients = 0;

    /// The number of connections that may wait to be accepted, at least 1. The system may use a smaller number, or one
    /// more. It decides what happens to further connections: on Linux, TCP clients retry for a while.
    int backlog = SOMAXCONN;
};

namespace detail {

/// UsageError if an option is out of range.
inline void check_options(const ServerOptions& options) {
    if (options.backlog < 1) misuse("rouse: ServerOptions: the backlog must be at least 1");
}

} // namespace detail

/// Controls a server that start_server or start_unix_server has started. Move-only; destroying it has the effect of
/// close().
///
/// For the tasks of its loop.
class [[nodiscard]] Server {
public:
    /// Takes over the server. The other object may then only be assigned to or destroyed.
    Server(Server&&) noexcept = default;
    /// Closes the present server, as by close(), and takes over the other.
    Server& operator=(Server&& other) noexcept {
        Server before{std::exchange(state_, std::move(other.state_))};
        return *this;
    }
    ~Server() {
        if (state_ != nullptr) state_->close();
    }

    /// The port that it listens on; 0 if it listens on a path.
    [[nodiscard]] std::uint16_t port() const noexcept { return state_->port(); }

    /// The number of clients being served.
    [[nodiscard]] std::size_t clients() const noexcept { return state_->clients(); }

    /// Stops listening: connections that have not been accepted are refused, and the file of a Unix socket is removed.
    /// The running handlers continue; wait_closed() waits for them. Does nothing the second time.
    void stop_listening() noexcept { state_->stop_listening(); }

    /// Stops listening, and cancels all running handlers except one that calls this.
    void close() noexcept { state_->close(); }

    /// Waits until the server does not listen any more and all handlers have ended; their descriptors are closed by
    /// then. A handler must not call it, as it would wait for itself.
    [[nodiscard]] Task<void> wait_closed() { return detail::ServerState::wait_closed(state_); }

    /// Stops listening, waits for the running handlers, but not longer than `limit`, and cancels those that remain.
    /// Returns their number once they have ended, too: 0 if all have returned in time. A handler must not call it.
    /// If it is cancelled, the handlers continue until close().
    template <class Rep, class Period>
    [[nodiscard]] Task<std::size_t> close_within(std::chrono::duration<Rep, Period> limit) {
        return detail::ServerState::close_within(state_, limit);
    }

    /// Waits until this task is cancelled, as by Ctrl-C in run_interruptible(). Then it does what close_within() does,
    /// and throws CancelledError; a second cancellation closes the server at once. Also returns when the server has
    /// been closed and its handlers have ended. A handler must not call it.
    ///
    /// Without exceptions, a cancelled task cannot wait: the server is closed at once.
    template <class Rep, class Period>
    [[nodiscard]] Task<void> serve_forever(std::chrono::duration<Rep, Period> limit) {
        return detail::ServerState::serve_forever(state_, limit);
    }

private:
    template <class Object, class State>
    friend Object detail::wrap(std::shared_ptr<State> state) noexcept;
    explicit Server(std::shared_ptr<detail::ServerState> state) noexcept : state_{std::move(state)} {}

    std::shared_ptr<detail::ServerState> state_;
};

namespace detail {

/// Serves each client of these listeners. std::bad_alloc (without exceptions: ENOMEM) if there is no memory for the
/// tasks.
template <class Handler>
[[nodiscard]] Reply<Server> serve(Handler handler, Listeners listeners, const ServerOptions& options) {
    auto state = std::make_shared<HandlerServerState<Handler>>(std::move(handler));
    auto server = wrap<Server>(state); // closes what was started if start() fails halfway
    if (state->start(std::move(listeners), options.most_clients)) return server;
#if ROUSE_EXCEPTIONS
    throw std::bad_alloc{};
#else
    return Error{ENOMEM, "cannot start the tasks of a server"};
#endif
}

/// The task of start_server().
template <class Handler>
[[nodiscard]] Task<Reply<Server>> resolve_and_serve(Handler handler, std::string host, std::uint16_t port,
                                                    ServerOptions options) {
    check_options(options);
    Reply<std::vector<Address>> addresses = co_await resolve(host, port, Address::Use::listen);
    if (is_error(addresses)) co_return failed<Server>(error_of(addresses));
    Listeners listeners;
    Error error = listen_on(value_of(addresses), host, port, options.backlog, listeners);
    if (error) co_return failed<Server>(std::move(error));
    co_return serve(std::move(handler), std::move(listeners), options);
}

/// Refuses at compile time a handler that would refer to what is gone.
template <class Handler>
constexpr void check_handler() {
    static_assert(safe_in_await<Handler>,
                  "rouse: start_server: this compiler destroys a lambda that is written inside a co_await expression "
                  "twice; capture by reference, or give the lambda a name first");
    static_assert(
        !AnyParameter<IsReference, StreamReader, StreamWriter>::template of<std::decay_t<Handler>>(),
        "rouse: start_server: the handler must take StreamReader and StreamWriter by value: the arguments are "
        "gone when its coroutine is resumed");
}

} // namespace detail

/// Listens on a host and a port, and serves each client by a separate task, named "client 127.0.0.1:1234", which runs
/// handler(StreamReader, StreamWriter) -> Task<void>. The host is an address or a name; an empty one means all
/// addresses of this machine, IPv4 and IPv6. Port 0 means any free port. The handler object lives as long as any of the
/// tasks.
///
/// When a handler returns, its connection is closed once all written bytes have been sent, unless the handler has moved
/// its StreamWriter elsewhere. When it throws or is cancelled, its connection is closed at once; the exception goes to
/// the loop's exception handler, and the server continues. Out of descriptors, the server retries after 100 ms; out of
/// memory, it resets the client.
///
/// Throws std::system_error that names host and port, UsageError for bad options, or std::bad_alloc. Without
/// exceptions, the Result has the first of these; and a handler whose connection fails learns it from the calls it
/// makes.
///
/// The handler is stored. It must take its parameters by value, because the arguments are gone when its coroutine is
/// resumed. GCC before 14 destroys a lambda with captures twice that is written inside a co_await expression; so there
/// it needs a name.
template <class Handler>
    requires std::is_invocable_r_v<Task<void>, std::decay_t<Handler>&, StreamReader, StreamWriter>
[[nodiscard]] Task<Reply<Server>> start_server(Handler&& handler, std::string host, std::uint16_t port,
                                               ServerOptions options = {}) {
    detail::check_handler<Handler>();
    return detail::resolve_and_serve<std::decay_t<Handler>>(std::forward<Handler>(handler), std::move(host), port,
                                                            options);
}

} // namespace ROUSE_ABI
} // namespace rouse
