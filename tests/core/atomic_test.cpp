#include <rouse/core/detail/atomic.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>

#include "support/catch.hpp"

using rouse::detail::Atomic;

namespace {

// What the headers ask of Atomic, on every target: also of the one without read-modify-writes, and of a checker's.
template <class T>
concept IsAtomic =
    requires(Atomic<T> atomic, const Atomic<T> constant, T value, T& expected, std::memory_order order) {
        { constant.load(order) } noexcept -> std::same_as<T>;
        { atomic.store(value, order) } noexcept -> std::same_as<void>;
        { atomic.exchange(value, order) } noexcept -> std::same_as<T>;
        { atomic.compare_exchange_strong(expected, value, order, order) } noexcept -> std::same_as<bool>;
        { atomic.compare_exchange_weak(expected, value, order, order) } noexcept -> std::same_as<bool>;
    } && std::default_initializable<Atomic<T>> && std::constructible_from<Atomic<T>, T> && !std::copyable<Atomic<T>> &&
    !std::movable<Atomic<T>>;

// Every type that the headers put in one.
static_assert(IsAtomic<bool>);
static_assert(IsAtomic<std::uint8_t>);
static_assert(IsAtomic<unsigned>);
static_assert(IsAtomic<std::size_t>);
static_assert(IsAtomic<std::uintptr_t>);
static_assert(IsAtomic<void*>);

// No lock and no header beside the value: the sizes of the objects in threadsafe/ count on it.
static_assert(sizeof(Atomic<std::uintptr_t>) == sizeof(std::uintptr_t));
static_assert(sizeof(Atomic<std::uint8_t>) == 1);

// Set before main: the objects in threadsafe/ are constinit-able.
constinit Atomic<unsigned> made_before_main{7};

constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto relaxed = std::memory_order_relaxed;

} // namespace

TEST_CASE("an atomic can be made before main, and begins at zero without a value") {
    CHECK(made_before_main.load(acquire) == 7);
    const Atomic<unsigned> zero;
    CHECK(zero.load(relaxed) == 0);
}

TEST_CASE("exchange returns what was there and leaves what it was given") {
    Atomic<unsigned> word{1};
    CHECK(word.exchange(2, acq_rel) == 1);
    CHECK(word.load(relaxed) == 2);
}

TEST_CASE("a compare-exchange that finds what it expects stores, and leaves the expectation") {
    Atomic<unsigned> word{1};
    unsigned expected = 1;
    CHECK(word.compare_exchange_strong(expected, 2, acq_rel, acquire));
    CHECK(expected == 1);
    CHECK(word.load(relaxed) == 2);
}

TEST_CASE("a compare-exchange that finds something else stores nothing, and says what it found") {
    Atomic<unsigned> word{1};
    unsigned expected = 5;
    CHECK(!word.compare_exchange_strong(expected, 2, acq_rel, acquire));
    CHECK(expected == 1);
    CHECK(word.load(relaxed) == 1);
    expected = 5;
    CHECK(!word.compare_exchange_weak(expected, 2, acq_rel, acquire));
    CHECK(expected == 1);
    CHECK(word.load(relaxed) == 1);
}

#if ROUSE_HOSTED // threads
TEST_CASE("read-modify-writes of two threads do not lose each other") {
    Atomic<unsigned> word{0};
    const auto count = [&] {
        for (int i = 0; i < 20'000; ++i) {
            unsigned before = word.load(relaxed);
            while (!word.compare_exchange_weak(before, before + 1, acq_rel, relaxed)) {
            }
        }
    };
    std::thread other{count};
    count();
    other.join();
    CHECK(word.load(relaxed) == 40'000);
}
#endif
