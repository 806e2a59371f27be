#include <rouse/io/address.hpp>

int main() {
    const std::vector<rouse::Address> addresses = rouse::Address::resolve("127.0.0.1", 80);
    return addresses.front().text() == "127.0.0.1:80" ? 0 : 1;
}
