// A gigabyte each way at once over one connection, written and read in pieces of all sizes and by all kinds of reads,
// some of which are given up halfway; with a checksum at both ends.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "stress/load.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mix(std::uint64_t word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
}

// FNV-1a over 64-bit words, whatever the pieces are in which the bytes come.
class Checksum {
public:
    void add(std::string_view bytes) {
        count_ += bytes.size();
        while (!bytes.empty() && (begun_ > 0 || bytes.size() < word_.size())) {
            word_[begun_++] = bytes.front();
            bytes.remove_prefix(1);
            if (begun_ == word_.size()) {
                take(word_.data());
                begun_ = 0;
            }
        }
        for (; bytes.size() >= word_.size(); bytes.remove_prefix(word_.size())) take(bytes.data());
        for (const char byte : bytes) word_[begun_++] = byte;
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t value() const {
        std::uint64_t all = value_;
        for (std::size_t i = 0; i < begun_; ++i) all = (all ^ static_cast<unsigned char>(word_[i])) * prime;
        return all;
    }

private:
    static constexpr std::uint64_t prime = 0x100000001b3;
    void take(const char* bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        value_ = (value_ ^ word) * prime;
        value_ ^= value_ >> 32; // or a difference in the high bytes would stay there
    }

    std::array<char, 8> word_{};
    std::size_t begun_ = 0;
    std::uint64_t value_ = 0xcbf29ce484222325;
    std::uint64_t count_ = 0;
};

// One direction of the connection.
struct Direction {
    explicit Direction(std::uint64_t bytes, unsigned seed) : total{bytes}, writes{seed}, reads{seed + 1}, word{seed} {}
    std::uint64_t total;
    Dice writes, reads;
    std::uint64_t word; // the last one that was made
    Checksum sent, received;
    std::array<long, 4> kinds{}; // how many reads of each
    long given_up = 0;
};

// From a single byte to some chunks, and often about one.
std::size_t any_size(Dice& dice) {
    if (dice.one_in(8)) return static_cast<std::size_t>(1 + dice(16));
    if (dice.one_in(4)) return static_cast<std::size_t>(64 * 1024 - 2 + dice(5));
    return static_cast<std::size_t>(1 + dice(250'000));
}

Task<> send(StreamWriter& writer, Direction& way) {
    std::string part;
    while (way.sent.count() < way.total) {
        part.resize(std::min<std::uint64_t>(any_size(way.writes), way.total - way.sent.count()));
        for (std::size_t i = 0; i < part.size(); i += sizeof way.word) {
            const std::uint64_t word = mix(++way.word);
            std::memcpy(part.data() + i, &word, std::min(sizeof word, part.size() - i));
        }
        way.sent.add(part);
        writer.write(part);
        if (!way.writes.one_in(4)) co_await writer.drain();
    }
    writer.write_eof();
}

Task<> receive(StreamReader& reader, Direction& way) {
    std::string memory(300'000, '\0');
    for (bool ended = false; !ended;) {
        const std::size_t size = any_size(way.reads);
        const auto kind = static_cast<std::size_t>(way.reads(4));
        ++way.kinds[kind];
        if (kind == 0) {
            const std::string part = co_await reader.read(size);
            way.received.add(part);
            ended = part.empty();
        } else if (kind == 1) {
            const std::size_t count = co_await reader.readinto(std::span{memory}.first(size));
            way.received.add(std::string_view{memory}.substr(0, count));
            ended = count == 0;
        } else {
            std::string part;
            try {
                if (kind == 2) {
                    part = co_await reader.readexactly(size);
                } else {
                    auto outcome =
                        co_await try_wait_for(reader.readexactly(size), std::chrono::microseconds{size % 50});
                    way.given_up += outcome.timed_out();
                    if (!outcome.timed_out()) part = std::move(outcome).value();
                }
            } catch (const IncompleteRead& rest) {
                part = rest.partial;
                ended = true;
            }
            way.received.add(part);
        }
    }
}

Task<> both_ways(StreamReader& reader, StreamWriter& writer, Direction& out, Direction& in) {
    const auto sending = create_task(send(writer, out));
    co_await receive(reader, in);
    co_await sending;
}

Task<> transfer(Direction& there, Direction& back) {
    auto handler = [&there, &back](StreamReader reader, StreamWriter writer) -> Task<> {
        co_await both_ways(reader, writer, back, there);
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    {
        auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
        co_await both_ways(reader, writer, there, back);
    }
    co_await until_all_have_gone(server);
    server.close();
    co_await server.wait_closed();
}

void check(const Direction& way) {
    CHECK(way.received.count() == way.total);
    CHECK(way.received.value() == way.sent.value());
}

} // namespace

TEST_CASE("load: the checksum tells bytes that are missing, doubled, changed or in another order") {
    const auto of = [](std::initializer_list<std::string_view> pieces) {
        Checksum sum;
        for (const auto piece : pieces) sum.add(piece);
        return sum.value();
    };
    const std::uint64_t right = of({"abcdefghijklmnopqrs"});
    CHECK(of({"a", "bcdefghij", "", "klmnopqrs"}) == right);
    for (const char* wrong :
         {"abcdefghijklmnopqr", "abcdefghijklmnopqrss", "abcdefghijklmnopqsr", "Abcdefghijklmnopqrs",
          "bcdefghijklmnopqrs", "ijklmnopabcdefghqrs", "abcdefgXijklmnopqrs"})
        CHECK(of({wrong}) != right);
}

TEST_CASE("load: a gigabyte each way, in pieces of all sizes, comes as it was sent, and leaves nothing behind") {
#ifdef __OPTIMIZE__
    constexpr std::uint64_t gigabyte = 1 << 30;
#else
    constexpr std::uint64_t gigabyte = 1 << 28; // a quarter
#endif
    const std::uint64_t total = scaled<std::uint64_t>(gigabyte, 1 << 20);
    const unsigned seed = load_seed("transfer");
    {
        Direction there{1 << 20, seed}, back{1 << 20, seed + 2};
        loopback::bounded(transfer(there, back));
    }
    const Held before = Held::now();
    Direction there{total, seed}, back{total, seed + 2};
    const auto begin = std::chrono::steady_clock::now();
    loopback::bounded(transfer(there, back), load_seconds);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    const Held after = Held::now();
    CHECK(after == before);
    check(there);
    check(back);
    for (const long count : there.kinds) CHECK(count > 0);
    std::printf("load: %.0f MiB each way in %.1f s, %ld reads given up\n", static_cast<double>(total) / (1 << 20),
                time.count(), there.given_up + back.given_up);
}
