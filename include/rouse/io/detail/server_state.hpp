// ServerState: the state of a Server: the tasks that accept connections, and the list of those that serve clients.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rouse/combine/wait_for.hpp>
#include <rouse/core/loop.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/io/detail/listener.hpp>
#include <rouse/io/detail/wrap.hpp>
#include <rouse/io/stream.hpp>
#include <rouse/sync/event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Accepts connections and runs the handler for each. For the tasks of its loop. It lives as long as the Server or any
/// of its tasks, and so does the handler, to which the handler's coroutines may refer.
///
/// Each connection is either served, or left in the backlog, or reset.
class ServerState : public std::enable_shared_from_this<ServerState> {
public:
    virtual ~ServerState() = default;

    /// Begins to accept. Serves at most `most_clients` at a time; 0 means no limit. False if there is no memory for the
    /// tasks.
    [[nodiscard]] bool start(Listeners listeners, std::size_t most_clients) {
        listeners_ = std::move(listeners);
        most_clients_ = most_clients;
        acceptors_.reserve(listeners_.sockets.size()); // so that every running task can be added
        for (const auto& listener : listeners_.sockets) {
            const std::string name = "server " + Address::of_socket(listener->descriptor()).text();
            acceptors_.push_back(create_task(accept_clients(shared_from_this(), *listener), name));
            if (!acceptors_.back()) return false;
        }
        return true;
    }

    void stop_listening() noexcept {
        if (std::exchange(stopped_, true)) return;
        for (const auto& acceptor : acceptors_) acceptor.cancel();
        acceptors_.clear(); // their frames own this object
        listeners_.file.reset();
        for (const auto& listener : listeners_.sockets) listener->close();
        notify_if_ended();
    }

    void close() noexcept {
        stop_listening();
        if (std::exchange(closed_, true)) return;
        Scheduler* const loop = Scheduler::current_or_null();
        for (const auto& client : clients_) {
            if (loop == nullptr || record_of(client) != loop->running_or_null()) client.cancel();
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return listeners_.port; }
    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

    static Task<void> wait_closed(std::shared_ptr<ServerState> server) { co_await server->ended_.wait(); }

    template <class Duration>
    static Task<std::size_t> close_within(std::shared_ptr<ServerState> server, Duration limit) {
        server->stop_listening();
        static_cast<void>(co_await try_wait_for(server->ended_.wait(), limit));
        const std::size_t remaining = server->clients();
        server->close();
        co_await server->ended_.wait();
        co_return remaining;
    }

    template <class Duration>
    static Task<void> serve_forever(std::shared_ptr<ServerState> server, [[maybe_unused]] Duration limit) {
        const ClosesServer however_it_ends{*server};
#if ROUSE_EXCEPTIONS
        bool cancelled = false;
        try {
            co_await server->ended_.wait();
        } catch (const CancelledError&) {
            cancelled = true; // nothing can be awaited here
        }
        if (!cancelled) co_return;
        static_cast<void>(co_await close_within(server, limit));
        throw CancelledError{};
#else
        co_await server->ended_.wait();
#endif
    }

protected:
    virtual Task<void> handle(StreamReader reader, StreamWriter writer) = 0;

private:
    using Clients = std::list<TaskHandle<>>;

    struct ClosesServer {
        explicit ClosesServer(ServerState& closed) noexcept : server{closed} {}
        ClosesServer(const ClosesServer&) = delete;
        ClosesServer& operator=(const ClosesServer&) = delete;
        ~ClosesServer() { server.close(); }
        ServerState& server;
    };

    // A client's entry in the list; removes it when destroyed.
    class Registration {
    public:
        Registration(std::shared_ptr<ServerState> server, Clients::iterator where) noexcept
            : server_{std::move(server)}, where_{where} {}
        Registration(Registration&&) noexcept = default;
        Registration& operator=(Registration&&) = delete;
        ~Registration() {
            if (server_ == nullptr) return;
            server_->clients_.erase(where_);
            server_->client_gone_.set();
            server_->notify_if_ended();
        }
        [[nodiscard]] ServerState& server() const noexcept { return *server_; }
        [[nodiscard]] Clients::iterator where() const noexcept { return where_; }

    private:
        std::shared_ptr<ServerState> server_; // null: moved from
        Clients::iterator where_;
    };

    static Task<void> accept_clients(std::shared_ptr<ServerState> server, Socket& listener) {
        using namespace std::chrono_literals;
        for (;;) {
            co_await listener.readable();
            while (server->full()) { // new clients wait in the backlog
                server->client_gone_.clear();
                co_await server->client_gone_.wait();
            }
            Address from;
            Descriptor accepted = listener.accept(from);
            const int error = accepted ? 0 : errno;
            if (from.is_unnamed()) from = Address::of_socket(listener.descriptor()); // a Unix client has no name
            const bool ok = accepted ? server->add_client(std::move(accepted), from) : no_client(error);
            // Most likely out of descriptors: the client stays in the backlog; try again later. Or out of memory.
            if (!ok) co_await sleep(100ms);
        }
    }

    [[nodiscard]] bool full() const noexcept { return most_clients_ != 0 && clients_.size() >= most_clients_; }

    static bool no_client(int error) noexcept { return error == EAGAIN || error == ECONNABORTED; }

    // Begins to serve a client. False if there is no memory, or another resource, for it: its connection has been reset
    // then, so that the client gets an error.
    bool add_client(Descriptor descriptor, const Address& from) noexcept {
        std::shared_ptr<StreamConnection> connection;
        if (attempt([&] { return begin_client(std::move(descriptor), from, connection); })) return true;
        const bool taken = connection != nullptr && connection->is_open();
        reset_on_close(taken ? connection->descriptor() : descriptor.number());
        return false;
    }

    bool begin_client(Descriptor&& descriptor, const Address& from, std::shared_ptr<StreamConnection>& connection) {
        const std::string name = "client " + from.text();
        Registration registration{shared_from_this(), clients_.emplace(clients_.end())};
        const auto where = registration.where();
        int error = 0;
        connection = std::make_shared<StreamConnection>(std::move(descriptor), from, error);
        if (error != 0) return false;
        auto client = create_task(serve(std::move(registration), connection), name);
        if (!client) return false;
        *where = std::move(client);
        return true;
    }

    // Closes the connection at once if its handler ends by an exception or a cancellation.
    struct Served {
        explicit Served(StreamConnection& served) noexcept : connection{&served} {}
        Served(const Served&) = delete;
        Served& operator=(const Served&) = delete;
        ~Served() {
            if (connection != nullptr) connection->abort();
        }
        StreamConnection* connection; // null: the handler has returned
    };

    static Task<void> serve(Registration argument, std::shared_ptr<StreamConnection> connection) {
        // Moved out of the argument, so that it ends before the task has.
        const Registration registration = std::move(argument);
        Served served{*connection};
        co_await registration.server().handle(wrap<StreamReader>(connection), wrap<StreamWriter>(connection));
        if (connection->closing()) co_await connection->closed();
        served.connection = nullptr;
    }

    void notify_if_ended() noexcept {
        if (stopped_ && clients_.empty()) ended_.set();
    }

    Listeners listeners_;
    std::vector<TaskHandle<>> acceptors_; // one for each listener
    Clients clients_;                     // the tasks whose handlers have not ended
    std::size_t most_clients_ = 0;        // 0: no limit
    Event client_gone_;                   // set when a client has gone, cleared by an acceptor that waits for one to go
    Event ended_;                         // set once the server has stopped and all handlers have ended
    bool stopped_ = false;                // it does not listen any more
    bool closed_ = false;                 // nor do its handlers run any more, except those that clean up
};

/// The state of a server with a handler of this type.
template <class Handler>
class HandlerServerState final : public ServerState {
public:
    explicit HandlerServerState(Handler handler) : handler_{std::move(handler)} {}

private:
    Task<void> handle(StreamReader reader, StreamWriter writer) override {
        return handler_(std::move(reader), std::move(writer));
    }

    Handler handler_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
