// That the stand-ins do what the tests take for granted.
#include "support/catch.hpp"
#include "support/misuse.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace {

int global = 1;

template <class A, class B>
struct Pair {};

int types_seen = 0;
int sections_run = 0;

} // namespace

TEST_CASE("what a child did to memory, heap and stack is taken back, whether it panics or not") {
    int local = 2;
    auto on_heap = std::make_unique<int>(3);
    const auto change = [&] {
        global = local = *on_heap = 10;
        on_heap.reset();
    };
    const auto told = test::misuse_of([&] {
        change();
        ROUSE_PANIC("the message");
    });
    CHECK(told == "the message\n");
    CHECK(test::misuse_of(change) == "nothing");
    CHECK(global == 1);
    CHECK(local == 2);
    REQUIRE(on_heap != nullptr);
    CHECK(*on_heap == 3);
}

TEMPLATE_TEST_CASE("a case is run for each of its types", "", int, (Pair<int, char>), char) {
    ++types_seen;
    CHECK((types_seen == 1) == std::is_same_v<TestType, int>);
    CHECK((types_seen == 2) == std::is_same_v<TestType, Pair<int, char>>);
}

TEST_CASE("the types were three") { CHECK(types_seen == 3); }

TEST_CASE("a case is run again for each of its sections") {
    int here = 0;
    SECTION("first") { here = 1; }
    SECTION("second") { here = 2; }
    CHECK(here == ++sections_run);
}

TEST_CASE("the sections were two") { CHECK(sections_run == 2); }
