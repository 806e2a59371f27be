#include <rouse/io/resolve.hpp>

#include "../still_port.hpp"

rouse::Task<bool> ask() {
    const std::vector<rouse::Address> addresses = co_await rouse::resolve("127.0.0.1", 80);
    co_return addresses.front().text() == "127.0.0.1:80";
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(ask()) ? 0 : 1;
}
