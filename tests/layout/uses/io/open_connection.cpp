#include <rouse/io/open_connection.hpp>

rouse::Task<bool> refused() {
    try {
        auto [reader, writer] = co_await rouse::open_connection("127.0.0.1", 1);
    } catch (const std::system_error& error) {
        co_return error.code() == std::errc::connection_refused;
    }
    co_return false;
}

int main() { return rouse::run(refused()) ? 0 : 1; }
