#include <rouse/io/stream_reader.hpp>

// A reader is made by a connection or a pipe, which other headers have: this is compiled and linked.
rouse::Task<std::string> use_of_reader(rouse::StreamReader& reader) {
    std::string text = co_await reader.readline();
    text += co_await reader.readexactly(2);
    if (!reader.at_eof()) text += co_await reader.read();
    co_return text;
}

int main() {
    auto* const use = &use_of_reader;
    return use != nullptr && rouse::StreamReader::default_limit > 0 ? 0 : 1;
}
