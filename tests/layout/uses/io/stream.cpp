#include <rouse/io/stream.hpp>

// A stream is made by a connection or a pipe, which other headers have: this is compiled and linked.
rouse::Task<> echo(rouse::StreamReader reader, rouse::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

int main() {
    auto* const use = &echo;
    return use != nullptr && rouse::StreamReader::default_limit > 0 ? 0 : 1;
}
