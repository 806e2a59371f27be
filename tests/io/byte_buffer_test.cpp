#include <rouse/io/detail/byte_buffer.hpp>

#include <string>

#include "support/catch.hpp"

using rouse::detail::ByteBuffer;

TEST_CASE("bytes leave a ByteBuffer in the order in which they came") {
    ByteBuffer buffer;
    buffer.append("abc");
    buffer.append("def");
    CHECK(buffer.take(2) == "ab");
    buffer.append("ghi");
    CHECK(buffer.view() == "cdefghi");
    buffer.consume(3);
    CHECK(buffer.take(100) == "fghi");
    CHECK(buffer.empty());
}

TEST_CASE("a ByteBuffer that is always behind by a little does not grow") {
    ByteBuffer buffer;
    buffer.append("x");
    const std::string part(1000, 'y');
    for (int i = 0; i < 10'000; ++i) {
        buffer.append(part);
        buffer.consume(1000);
    }
    CHECK(buffer.size() == 1);
    CHECK(buffer.view() == "y");
}

TEST_CASE("taking all of a large ByteBuffer leaves it empty and usable") {
    ByteBuffer buffer;
    const std::string large(100'000, 'z');
    buffer.append(large);
    CHECK(buffer.take(large.size()) == large);
    CHECK(buffer.empty());
    buffer.append("a");
    CHECK(buffer.view() == "a");
}
