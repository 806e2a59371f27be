// The inside of a Server: the tasks that accept, and the list of those that serve a client each.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rouse/core/sleep.hpp>
#include <rouse/core/task_handle.hpp>
#include <rouse/net/listener.hpp>
#include <rouse/net/stream.hpp>
#include <rouse/sync/event.hpp>

namespace rouse::inline ROUSE_ABI::net {

/// Lives as long as the Server or any of its tasks, and with it the handler, whose coroutines may refer to it.
class ServerState : public std::enable_shared_from_this<ServerState> {
public:
    virtual ~ServerState() = default;

    void start(Listeners listeners) {
        listeners_ = std::move(listeners);
        port_ = Address::of_socket(listeners_.front()->descriptor()).port();
        for (const auto& listener : listeners_) {
            const std::string name = "server " + Address::of_socket(listener->descriptor()).text();
            acceptors_.push_back(create_task(accept_clients(shared_from_this(), *listener), name));
        }
    }

    void close() noexcept {
        if (std::exchange(closed_, true)) return;
        for (const auto& acceptor : acceptors_) acceptor.cancel();
        acceptors_.clear(); // their frames hold this object
        for (const auto& listener : listeners_) listener->close();
        Loop* const loop = Loop::current_or_null();
        for (const auto& client : clients_) {
            if (loop == nullptr || client.record() != loop->running_or_null()) client.cancel();
        }
        tell_if_ended();
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

    static Task<void> wait_closed(std::shared_ptr<ServerState> server) { co_await server->ended_.wait(); }

protected:
    virtual Task<void> handle(StreamReader reader, StreamWriter writer) = 0;

private:
    using Clients = std::list<TaskHandle<>>;

    // A client's place in the list, which it leaves when it is destroyed.
    class Place {
    public:
        Place(std::shared_ptr<ServerState> server, Clients::iterator where) noexcept
            : server_{std::move(server)}, where_{where} {}
        Place(Place&&) noexcept = default;
        Place& operator=(Place&&) = delete;
        ~Place() {
            if (server_ == nullptr) return;
            server_->clients_.erase(where_);
            server_->tell_if_ended();
        }
        [[nodiscard]] ServerState& server() const noexcept { return *server_; }

    private:
        std::shared_ptr<ServerState> server_; // null: moved from
        Clients::iterator where_;
    };

    static Task<void> accept_clients(std::shared_ptr<ServerState> server, Socket& listener) {
        using namespace std::chrono_literals;
        for (;;) {
            co_await listener.readable();
            Address from;
            const int accepted = listener.accept(from);
            const bool ok = accepted >= 0 ? server->add_client(accepted, from) : nobody_there(-accepted);
            // Out of descriptors or memory, most likely: the client stays in the backlog, and we try again.
            if (!ok) co_await sleep(100ms);
        }
    }

    static bool nobody_there(int error) noexcept { return error == EAGAIN || error == ECONNABORTED; }

    // False if there is no memory, or whatever else it takes, for one more.
    bool add_client(int descriptor, const Address& from) noexcept {
        try {
            auto connection = std::make_shared<StreamConnection>(descriptor, from);
            const std::string name = "client " + from.text();
            const auto where = clients_.emplace(clients_.end());
            *where = create_task(serve(Place{shared_from_this(), where}, std::move(connection)), name);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }

    static Task<void> serve(Place argument, std::shared_ptr<StreamConnection> connection) {
        // An argument lives as long as handles of the task do, and the list has one. So the place must be left here.
        const Place place = std::move(argument);
        try {
            co_await place.server().handle(StreamReader{connection}, StreamWriter{connection});
            if (connection->closing()) co_await connection->closed();
        } catch (...) {
            connection->abort();
            throw;
        }
    }

    void tell_if_ended() noexcept {
        if (closed_ && clients_.empty()) ended_.set();
    }

    Listeners listeners_;
    std::vector<TaskHandle<>> acceptors_; // one for each listener
    Clients clients_;                     // those whose handlers have not ended
    Event ended_;                         // set when closed, and all handlers have ended
    std::uint16_t port_ = 0;
    bool closed_ = false;
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

} // namespace rouse::inline ROUSE_ABI::net
