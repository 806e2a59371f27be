#include <rouse/io/address.hpp>

#include <string>
#include <system_error>

#include "support/catch.hpp"

using rouse::Address;

TEST_CASE("a numeric IPv4 address is itself") {
    const auto found = Address::resolve("127.0.0.1", 80);
    REQUIRE(found.size() == 1);
    CHECK(found[0].host() == "127.0.0.1");
    CHECK(found[0].port() == 80);
    CHECK(found[0].text() == "127.0.0.1:80");
}

TEST_CASE("an IPv6 address is written in brackets before its port") {
    const auto found = Address::resolve("::1", 8080);
    REQUIRE(found.size() == 1);
    CHECK(found[0].host() == "::1");
    CHECK(found[0].text() == "[::1]:8080");
}

TEST_CASE("an empty host is the loopback to connect to, and any address to listen on") {
    for (const Address& address : Address::resolve("", 1))
        CHECK((address.host() == "127.0.0.1" || address.host() == "::1"));
    for (const Address& address : Address::resolve("", 1, Address::Use::listen)) {
        CHECK((address.host() == "0.0.0.0" || address.host() == "::"));
    }
}

TEST_CASE("an address's port can be set") {
    Address address = Address::resolve("::1", 0).front();
    address.set_port(4711);
    CHECK(address.port() == 4711);
}

TEST_CASE("a name that cannot be resolved is an error that names it") {
    try {
        static_cast<void>(Address::resolve("nosuch.invalid", 1));
        FAIL("resolved");
    } catch (const std::system_error& error) {
        CHECK_THAT(error.what(), Catch::Matchers::StartsWith("rouse: cannot resolve nosuch.invalid: "));
        CHECK(error.code().category() == rouse::resolve_category());
    }
}

TEST_CASE("a host that contains a NUL is an error that shows it, and is not taken for what precedes the NUL") {
    using namespace std::string_literals;
    for (const std::string& host : {"127.0.0.1\0.example.com"s, "127.0.0.1\0"s, "\0"s, "localhost\0"s, "\0::1"s}) {
        for (const auto use : {Address::Use::connect, Address::Use::listen}) {
            try {
                static_cast<void>(Address::resolve(host, 1, use));
                FAIL("resolved");
            } catch (const std::system_error& error) {
                CHECK(error.code() == std::errc::invalid_argument);
                CHECK_THAT(error.what(), test::ContainsSubstring("\\0") && test::ContainsSubstring("contains a NUL"));
            }
        }
    }
}
