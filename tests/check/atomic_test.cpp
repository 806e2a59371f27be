// check::Atomic: the interface of std::atomic, for values of all kinds.
#include <rouse/check/check.hpp>

#include <cstdint>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;

template <class Program>
void passes(Program program) {
    const check::Result result = check::explore(program);
    INFO(result.failure << '\n' << result.story);
    CHECK(result.passed());
}

TEST_CASE("each operation does what std::atomic's does") {
    passes([] {
        check::Atomic<std::uint8_t> word{200};
        check::expect(word.fetch_add(100) == 200 && word.load() == 44, "an addition does not wrap");
        check::expect(word.fetch_sub(45) == 44 && word.load() == 255, "a subtraction does not wrap");
        check::expect(word.fetch_and(0x0f) == 255 && word.load() == 15, "and");
        check::expect(word.fetch_or(0x30) == 15 && word.load() == 63, "or");
        check::expect(word.fetch_xor(0x21) == 63 && word.load() == 30, "exclusive or");
        check::expect(word.exchange(7) == 30 && word.load() == 7, "exchange");
        std::uint8_t expected = 6;
        check::expect(!word.compare_exchange_strong(expected, 9) && expected == 7, "exchanged, though not equal");
        check::expect(word.compare_exchange_weak(expected, 9) && word.load() == 9, "not exchanged, though equal");
    });
}

TEST_CASE("negative numbers compare equal after arithmetic") {
    passes([] {
        check::Atomic<int> word{1};
        word.fetch_sub(3);
        int expected = -2;
        check::expect(word.compare_exchange_strong(expected, 5), "-2 is not -2");
        check::Atomic<std::uint32_t> wraps{0xffffffffu};
        wraps.fetch_add(1);
        std::uint32_t zero = 0;
        check::expect(wraps.compare_exchange_strong(zero, 1), "a sum that wrapped is not zero");
    });
}

enum class Colour : std::uint8_t { red, green };
struct Pair {
    std::int16_t x, y;
};

TEST_CASE("values may be enumerations, pointers, bools and small structs") {
    passes([] {
        check::Atomic<Colour> colour{Colour::red};
        check::expect(colour.exchange(Colour::green) == Colour::red && colour.load() == Colour::green, "enumeration");
        int target = 0;
        check::Atomic<int*> pointer{nullptr};
        pointer.store(&target);
        check::expect(pointer.load() == &target, "pointer");
        check::Atomic<bool> yes{false};
        check::expect(!yes.exchange(true) && yes.load(), "bool");
        check::Atomic<Pair> pair{Pair{1, -2}};
        const Pair before = pair.exchange(Pair{-3, 4});
        check::expect(before.x == 1 && before.y == -2 && pair.load().x == -3 && pair.load().y == 4, "struct");
    });
}

TEST_CASE("a weak exchange fails without a reason if that is asked for, and a strong one never") {
    const auto program = [](bool weak) {
        return [weak] {
            check::Atomic<int> word{0};
            int expected = 0;
            const bool done =
                weak ? word.compare_exchange_weak(expected, 1) : word.compare_exchange_strong(expected, 1);
            check::outcome(done ? "done" : "failed");
        };
    };
    check::Options options;
    options.weak_failures = 1;
    CHECK(check::explore(program(true), options).outcomes == std::set<std::string>{"done", "failed"});
    CHECK(check::explore(program(false), options).outcomes == std::set<std::string>{"done"});
}

TEST_CASE("fences order what is relaxed") {
    const auto program = [](bool fences) {
        return [fences] {
            check::Atomic<int> data{0}, ready{0};
            check::thread("writer", [&data, &ready, fences] {
                data.store(1, std::memory_order_relaxed);
                if (fences) check::fence(std::memory_order_release);
                ready.store(1, std::memory_order_relaxed);
            });
            const bool seen = ready.load(std::memory_order_relaxed) == 1;
            if (fences) check::fence(std::memory_order_acquire);
            if (seen) check::expect(data.load(std::memory_order_relaxed) == 1, "the data is old");
            check::join();
        };
    };
    passes(program(true));
    CHECK(check::explore(program(false)).kind == check::Failure::assertion);
}

} // namespace
