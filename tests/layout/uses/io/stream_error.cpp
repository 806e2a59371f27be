#include <rouse/io/stream_error.hpp>

int main() {
    const std::error_code code = rouse::StreamErrc::incomplete_read;
    return code == rouse::StreamErrc::incomplete_read && !code.message().empty() ? 0 : 1;
}
