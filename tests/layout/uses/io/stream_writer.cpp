#include <rouse/io/stream_writer.hpp>

// A writer is made by a connection or a pipe, which other headers have: this is compiled and linked.
rouse::Task<> use_of_writer(rouse::StreamWriter& writer) {
    writer.write("hello");
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

int main() {
    auto* const use = &use_of_writer;
    return use != nullptr && std::is_nothrow_move_constructible_v<rouse::StreamWriter> ? 0 : 1;
}
