#include <rouse/io/unix.hpp>

rouse::Task<bool> echo() {
    const std::string path = "/tmp/rouse_use_" + std::to_string(::getpid());
    auto handler = [](rouse::StreamReader reader, rouse::StreamWriter writer) -> rouse::Task<> {
        writer.write(co_await reader.readline());
        co_await writer.drain();
    };
    rouse::Server server = co_await rouse::start_unix_server(handler, path);
    auto [reader, writer] = co_await rouse::open_unix_connection(path);
    ::unlink(path.c_str());
    writer.write("hello\n");
    co_await writer.drain();
    co_return co_await reader.readline() == "hello\n";
}

int main() { return rouse::run(echo()) ? 0 : 1; }
