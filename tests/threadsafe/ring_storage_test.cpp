#include <rouse/threadsafe/detail/ring_storage.hpp>

#include <array>
#include <memory>
#include <span>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/value_types.hpp"

using namespace test;
using rouse::detail::RingStorage;

namespace {

// Takes an item out as a queue does.
template <class Storage>
auto take(Storage& storage, std::size_t index) {
    auto taken = std::move(storage.item(index));
    storage.discard(index);
    return taken;
}

template <class T>
using Lent = RingStorage<T, std::dynamic_extent>;

constinit RingStorage<int, 3> made_before_main;

} // namespace

TEST_CASE("storage of its own has a slot more than it holds items; a lent buffer has its own size") {
    CHECK(RingStorage<int, 3>::size() == 4);
    std::array<int, 5> buffer{};
    CHECK(Lent<int>{buffer}.size() == 5);
}

TEST_CASE("storage of its own can be made before main") {
    made_before_main.put(0, 5);
    CHECK(take(made_before_main, 0) == 5);
}

TEST_CASE("an item in storage of its own lives from put to take") {
    RingStorage<CountsAlive, 2> storage;
    CHECK(CountsAlive::alive == 0);
    storage.put(0, 7);
    CHECK(CountsAlive::alive == 1);
    {
        const CountsAlive taken = take(storage, 0);
        CHECK(taken.number == 7);
        CHECK(CountsAlive::alive == 1); // the one in the slot has ended
    }
    CHECK(CountsAlive::alive == 0);
}

TEST_CASE("an item in storage of its own can be discarded where it is") {
    RingStorage<CountsAlive, 2> storage;
    storage.put(2, 7);
    storage.discard(2);
    CHECK(CountsAlive::alive == 0);
}

TEST_CASE("items that can only be moved go in and out of both") {
    RingStorage<std::unique_ptr<int>, 1> own;
    own.put(1, std::make_unique<int>(3));
    const auto first = take(own, 1);
    REQUIRE(first);
    CHECK(*first == 3);

    std::array<std::unique_ptr<int>, 2> buffer;
    Lent<std::unique_ptr<int>> lent{buffer};
    lent.put(1, std::make_unique<int>(4));
    REQUIRE(buffer[1]);
    const auto second = take(lent, 1);
    REQUIRE(second);
    CHECK(*second == 4);
    CHECK(!buffer[1]); // moved from, and alive
}

TEST_CASE("a put copies what it is lent and moves what it is given") {
    RingStorage<std::shared_ptr<int>, 1> storage;
    auto item = std::make_shared<int>(1);
    storage.put(0, item);
    CHECK(item.use_count() == 2);
    storage.discard(0);
    storage.put(0, std::move(item));
    CHECK(item == nullptr);
    CHECK(take(storage, 0).use_count() == 1);
}

TEST_CASE("a buffer with room for fewer than two items is refused") {
    std::array<int, 1> one{};
    CHECK(contains(misuse_of([&] { Lent<int>{one}; }), "ThreadSafeQueue: the buffer must have room for two items"));
    CHECK(contains(misuse_of([&] { Lent<int>{std::span<int>{}}; }),
                   "ThreadSafeQueue: the buffer must have room for two items"));
    std::array<int, 2> two{};
    CHECK(misuse_of([&] { Lent<int>{two}; }) == "nothing");
}
