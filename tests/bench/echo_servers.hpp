// The echo servers that are compared with floor_echo.hpp, each written as its users would: rouse, asio, libuv. All
// serve `connections` clients until each has closed, and call listening(port) once they can be connected to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#if HAVE_ASIO
#include <asio.hpp>
#endif
#if HAVE_UV
#include <vector>

#include <uv.h>
#endif

#include "floor_echo.hpp"
#include "floor_uring_echo.hpp"

namespace bench {

using Listening = std::function<void(std::uint16_t)>;

namespace with_rouse {

inline rouse::Task<> echo(rouse::StreamReader reader, rouse::StreamWriter writer) {
    std::array<char, floor_of::echo_buffer_bytes> buffer;
    for (;;) {
        const std::size_t count = co_await reader.readinto(buffer);
        if (count == 0) break;
        writer.write({buffer.data(), count});
        co_await writer.drain();
    }
}

inline rouse::Task<> serve(int connections, const Listening& listening) {
    rouse::Event all_closed;
    const auto handler = [&](rouse::StreamReader reader, rouse::StreamWriter writer) -> rouse::Task<> {
        co_await echo(std::move(reader), std::move(writer));
        if (--connections == 0) all_closed.set();
    };
    auto server = co_await rouse::start_server(handler, "127.0.0.1", 0);
    listening(server.port());
    co_await all_closed.wait();
    server.close();
    co_await server.wait_closed();
}

} // namespace with_rouse

inline void rouse_echo(int connections, const Listening& listening) {
    rouse::run(with_rouse::serve(connections, listening));
}

#if HAVE_ASIO
namespace with_asio {

using asio::ip::tcp;

inline asio::awaitable<void> echo(tcp::socket socket) {
    std::array<char, floor_of::echo_buffer_bytes> buffer;
    for (;;) {
        std::error_code error;
        const std::size_t count =
            co_await socket.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        co_await asio::async_write(socket, asio::buffer(buffer.data(), count), asio::use_awaitable);
    }
}

inline asio::awaitable<void> serve(int connections, const Listening& listening) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor{executor, {asio::ip::address_v4::loopback(), 0}};
    listening(acceptor.local_endpoint().port());
    for (int i = 0; i < connections; ++i) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        socket.set_option(tcp::no_delay{true});
        asio::co_spawn(executor, echo(std::move(socket)), asio::detached);
    }
}

} // namespace with_asio

inline void asio_echo(int connections, const Listening& listening) {
    asio::io_context context{1};
    asio::co_spawn(context, with_asio::serve(connections, listening), asio::detached);
    context.run();
}
#endif

#if HAVE_UV
namespace with_uv {

struct Server {
    uv_loop_t loop;
    uv_tcp_t listener;
    int left;                                               // clients that have not come
    std::array<char, floor_of::echo_buffer_bytes> buffer{}; // one for all: a read is done with before the next begins
};

struct Rest { // of a write that the system did not take as a whole
    uv_write_t request;
    std::vector<char> bytes;
};

inline void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    if (count < 0) {
        uv_close(reinterpret_cast<uv_handle_t*>(stream),
                 [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
        return;
    }
    uv_buf_t answer = uv_buf_init(buffer->base, static_cast<unsigned>(count));
    const int written = uv_try_write(stream, &answer, 1);
    if (written == count) return;
    if (written < 0 && written != UV_EAGAIN) std::abort();
    auto* rest = new Rest{{}, {buffer->base + (written < 0 ? 0 : written), buffer->base + count}};
    rest->request.data = rest;
    answer = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
    uv_write(&rest->request, stream, &answer, 1,
             [](uv_write_t* request, int) { delete static_cast<Rest*>(request->data); });
}

inline void on_connection(uv_stream_t* listener, int status) {
    if (status != 0) std::abort();
    auto& server = *static_cast<Server*>(listener->data);
    auto* client = new uv_tcp_t;
    uv_tcp_init(&server.loop, client);
    client->data = &server;
    auto* stream = reinterpret_cast<uv_stream_t*>(client);
    if (uv_accept(listener, stream) != 0) std::abort();
    uv_tcp_nodelay(client, 1);
    const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& owner = *static_cast<Server*>(handle->data);
        *buffer = uv_buf_init(owner.buffer.data(), static_cast<unsigned>(owner.buffer.size()));
    };
    uv_read_start(stream, give_buffer, on_read);
    if (--server.left == 0) uv_close(reinterpret_cast<uv_handle_t*>(listener), nullptr);
}

} // namespace with_uv

inline void uv_echo(int connections, const Listening& listening) {
    const auto server = std::make_unique<with_uv::Server>();
    server->left = connections;
    uv_loop_init(&server->loop);
    uv_tcp_init(&server->loop, &server->listener);
    server->listener.data = server.get();
    sockaddr_in address{};
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&server->listener, reinterpret_cast<sockaddr*>(&address), 0);
    if (uv_listen(reinterpret_cast<uv_stream_t*>(&server->listener), SOMAXCONN, with_uv::on_connection) != 0)
        std::abort();
    int size = sizeof address;
    uv_tcp_getsockname(&server->listener, reinterpret_cast<sockaddr*>(&address), &size);
    listening(::ntohs(address.sin_port));
    uv_run(&server->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&server->loop) != 0) std::abort();
}
#endif

/// Calls side(name, server) for the floor and for each echo server that can be built and run here.
template <class Side>
void for_each_echo_server(const Side& side) {
    side("floor: edge-triggered epoll", floor_of::echo);
    side("rouse", rouse_echo);
#if HAVE_UV
    side("libuv", uv_echo);
#endif
#if HAVE_ASIO
    side("asio, awaitable", asio_echo);
#endif
#if HAVE_URING
    if (floor_of::uring_works()) side("floor, io_uring", floor_of::uring_echo<>);
#endif
}

} // namespace bench
