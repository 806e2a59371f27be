// start_server and Server: TCP connections that come in, each served by a task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <rouse/net/server_state.hpp>

namespace rouse::inline ROUSE_ABI {

/// A server that start_server has made. Move-only; for the tasks of its loop. Destroying it is close().
class [[nodiscard]] Server {
public:
    /// For the library: see start_server.
    explicit Server(std::shared_ptr<net::ServerState> state) noexcept : state_{std::move(state)} {}
    Server(Server&&) noexcept = default;
    Server& operator=(Server&& other) noexcept {
        Server before{std::exchange(state_, std::move(other.state_))};
        return *this;
    }
    ~Server() {
        if (state_ != nullptr) state_->close();
    }

    /// The port that it listens on.
    [[nodiscard]] std::uint16_t port() const noexcept { return state_->port(); }

    /// How many clients are being served.
    [[nodiscard]] std::size_t clients() const noexcept { return state_->clients(); }

    /// Stops listening, and cancels the handlers that run, except one that calls this. Connections that nobody has
    /// accepted are refused.
    void close() noexcept { state_->close(); }

    /// Waits until it is closed and all handlers have ended; their descriptors are closed then. Not for a handler:
    /// it would wait for itself.
    [[nodiscard]] Task<void> wait_closed() { return net::ServerState::wait_closed(state_); }

private:
    std::shared_ptr<net::ServerState> state_;
};

/// Listens on a host (numeric or a name; empty: all addresses of this machine, IPv4 and IPv6) and a port (0: any that
/// is free), and serves each client by a task of its own, named "client 127.0.0.1:1234", that runs
/// handler(StreamReader, StreamWriter) -> Task<void>. The handler object lives as long as any of them.
///
/// A handler that returns leaves a connection that is closed when all is sent, unless it has put its StreamWriter
/// elsewhere. One that throws, or is cancelled, has its connection closed at once; the exception goes to the loop's
/// exception handler, and the server goes on. So it does when descriptors run out: it tries again a little later; and
/// when memory does: the client is reset.
///
/// Throws std::system_error that names host and port, or std::bad_alloc.
///
/// GCC before 13 miscompiles a capturing lambda that is written inside a co_await expression: give it a name first.
template <class Handler>
    requires std::is_invocable_r_v<Task<void>, Handler&, StreamReader, StreamWriter>
[[nodiscard]] Task<Server> start_server(Handler handler, std::string host, std::uint16_t port) {
    auto state = std::make_shared<net::HandlerServerState<Handler>>(std::move(handler));
    Server server{state}; // closes it again if start() throws halfway
    state->start(net::listen_on(host, port));
    co_return server;
}

} // namespace rouse::inline ROUSE_ABI
