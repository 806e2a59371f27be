#include <rouse/io/detail/wrap.hpp>

#include <memory>
#include <type_traits>

#include <rouse/io/io.hpp>

#include "support/catch.hpp"

using namespace rouse;

TEST_CASE("the objects of io cannot be made from their state by a user, only by the library") {
    STATIC_REQUIRE_FALSE(std::is_constructible_v<StreamReader, std::shared_ptr<detail::StreamConnection>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<StreamWriter, std::shared_ptr<detail::StreamConnection>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Server, std::shared_ptr<detail::ServerState>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<DatagramSocket, std::shared_ptr<detail::DatagramChannel>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<StreamReader>);
}
