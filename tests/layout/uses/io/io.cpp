#include <rouse/io/io.hpp>

rouse::Task<bool> echo() {
    rouse::Server server = co_await rouse::start_server(
        [](rouse::StreamReader reader, rouse::StreamWriter writer) -> rouse::Task<> {
            writer.write(co_await reader.readline());
            co_await writer.drain();
        },
        "127.0.0.1", 0);
    auto [reader, writer] = co_await rouse::open_connection("127.0.0.1", server.port());
    writer.write("hello\n");
    co_await writer.drain();
    co_return co_await reader.readline() == "hello\n";
}

int main() { return rouse::run(echo()) ? 0 : 1; }
