#include <rouse/ports/wrapping_counter.hpp>

#include <cstdint>
#include <random>

#include "support/catch.hpp"

using rouse::Counting;
using rouse::WrappingCounter;

namespace {

// Stands for an interrupt that comes as soon as it may.
void (*interrupt)() = nullptr;
int masks = 0;

struct Masked {
    Masked() { ++masks; }
    ~Masked() { --masks; }
};

template <unsigned Bits, Counting Direction>
struct Hardware {
    std::uint64_t steps = 0;
    std::uint32_t first = 0;

    [[nodiscard]] std::uint32_t shows() const {
        const std::uint64_t at = Direction == Counting::up ? first + steps : first - steps;
        return static_cast<std::uint32_t>(at & ((std::uint64_t{1} << Bits) - 1));
    }
};

// Reads after random stretches of up to a wrap less one, from a random start.
template <unsigned Bits, Counting Direction>
bool follows() {
    constexpr std::uint64_t wrap = std::uint64_t{1} << Bits;
    std::mt19937_64 random{Bits};
    for (int start = 0; start < 20; ++start) {
        Hardware<Bits, Direction> hardware{0, static_cast<std::uint32_t>(random() % wrap)};
        WrappingCounter<Bits, Direction> counter{hardware.shows()};
        for (int read = 0; read < 1000; ++read) {
            const std::uint64_t kinds[] = {0, 1, wrap - 1, random() % wrap};
            hardware.steps += kinds[random() % 4];
            if (counter.read([&] { return hardware.shows(); }) != hardware.steps) return false;
        }
        if (hardware.steps < 100 * wrap) return false; // it has wrapped often
    }
    return true;
}

} // namespace

TEST_CASE("a counter is followed across its wraps, in both directions") {
    CHECK(follows<2, Counting::up>());
    CHECK(follows<2, Counting::down>());
    CHECK(follows<16, Counting::up>());
    CHECK(follows<16, Counting::down>());
    CHECK(follows<24, Counting::up>());
    CHECK(follows<24, Counting::down>());
    CHECK(follows<31, Counting::down>());
    CHECK(follows<32, Counting::up>());
    CHECK(follows<32, Counting::down>());
}

TEST_CASE("it begins at 0, whatever the hardware shows") {
    WrappingCounter<32, Counting::down> counter{3};
    CHECK(counter.read([] { return 3U; }) == 0);
    CHECK(counter.read([] { return 0xffff'ffffU; }) == 4);
}

TEST_CASE("what the hardware shows above its bits is not looked at") {
    WrappingCounter<24, Counting::down> counter{0xab00'0001};
    CHECK(counter.read([] { return 0xcd00'0000U; }) == 1);
    CHECK(counter.read([] { return 0xef00'0000U; }) == 1);
    CHECK(counter.read([] { return 0x12ff'ffffU; }) == 2);
}

TEST_CASE("an interrupt that reads it while it is read does not put time forward or back") {
    static std::uint32_t shows = 0;
    static std::uint64_t in_interrupt = 0;
    static WrappingCounter<16, Counting::up, Masked> counter{0};
    interrupt = [] {
        if (masks != 0) return;
        shows += 10;
        in_interrupt = counter.read([] { return shows & 0xffff; });
    };
    std::uint64_t before = 0;
    for (int read = 0; read < 20'000; ++read) {
        shows += 7;
        interrupt();
        const std::uint64_t now = counter.read([] {
            const std::uint32_t shown = shows & 0xffff;
            interrupt(); // between the look at the hardware and the use of what it shows
            return shown;
        });
        REQUIRE(now >= in_interrupt);
        REQUIRE(now > before);
        REQUIRE(now - before < 0x1'0000);
        before = now;
    }
    CHECK(before == shows);
    CHECK(masks == 0);
}
