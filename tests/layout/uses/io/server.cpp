#include <rouse/io/server.hpp>

rouse::Task<bool> listen() {
    auto handler = [](rouse::StreamReader, rouse::StreamWriter) -> rouse::Task<> { co_return; };
    rouse::Server server = co_await rouse::start_server(handler, "127.0.0.1", 0);
    const bool listening = server.port() != 0;
    server.close();
    co_await server.wait_closed();
    co_return listening;
}

int main() { return rouse::run(listen()) ? 0 : 1; }
