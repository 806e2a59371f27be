#include <rouse/threadsafe/ring_io.hpp>

#include <atomic>
#include <limits>
#include <string>
#if ROUSE_HOSTED
#include <thread>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

constinit RingIO<4> global;

template <class IO>
Task<std::string> read(IO& io, std::size_t most = 64) {
    std::string bytes(most, '\0');
    bytes.resize(co_await io.read(bytes));
    co_return bytes;
}

template <class IO>
Task<std::string> readline(IO& io, std::size_t most) {
    std::string bytes(most, '\0');
    bytes.resize(co_await io.readline(bytes));
    co_return bytes;
}

template <class IO>
Task<std::string> readexactly(IO& io, std::size_t count) {
    std::string bytes(count, '\0');
    bytes.resize(co_await io.readexactly(bytes));
    co_return bytes;
}

template <class IO>
std::string send_all(IO& io) {
    std::string sent;
    while (const auto byte = io.next_to_send()) sent += *byte;
    return sent;
}

std::atomic<unsigned> starts{0};
void count_start() { starts = starts + 1; }

// Sets the count of what is lost, which it would take hours to reach: an explicit instantiation may name a private
// member.
template <auto member>
struct SetLost {
    friend void set_lost(RingIO<4>& io, unsigned count) { (io.*member).store(count, std::memory_order_relaxed); }
};
template struct SetLost<&RingIO<4>::lost_>;
void set_lost(RingIO<4>& io, unsigned count);

// A byte of a stream in which a lost or repeated one shows.
[[maybe_unused]] char byte_at(unsigned n) { return static_cast<char>(n * 7 + n / 256); }

} // namespace

TEST_CASE("read gives what is there, and waits for one byte at least") {
    RingIO<8> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("abc") == 3);
        std::string got = co_await read(io);
        CHECK(got == "abc");
        CHECK(io.received("defg") == 4);
        got = co_await read(io, 3);
        CHECK(got == "def");
        got = co_await read(io);
        CHECK(got == "g");
        auto reader = create_task(read(io));
        co_await sleep(1s);
        CHECK(!reader.done());
        CHECK(io.received('h'));
        CHECK(io.received('i'));
        got = co_await reader;
        CHECK(got == "hi"); // it was roused by the first, and found both
    };
    run_virtual(main());
}

TEST_CASE("readexactly waits for all, and takes no more") {
    RingIO<8> io;
    auto main = [&]() -> Task<> {
        auto reader = create_task(readexactly(io, 8));
        for (const char* part : {"ab", "cdef", "ghij"}) {
            co_await sleep(1s);
            CHECK(!reader.done());
            CHECK(io.received(part) == std::string_view{part}.size());
        }
        std::string got = co_await reader;
        CHECK(got == "abcdefgh");
        got = co_await read(io);
        CHECK(got == "ij");
    };
    run_virtual(main());
}

TEST_CASE("readline waits for the newline; one that is too long comes in parts") {
    RingIO<8> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("a\n\nbc") == 5);
        std::string got = co_await readline(io, 8);
        CHECK(got == "a\n");
        got = co_await readline(io, 8);
        CHECK(got == "\n");
        auto reader = create_task(readline(io, 4));
        co_await sleep(1s);
        CHECK(!reader.done());
        CHECK(io.received("defg\n") == 5);
        got = co_await reader;
        CHECK(got == "bcde");
        got = co_await readline(io, 4);
        CHECK(got == "fg\n");
    };
    run_virtual(main());
}

TEST_CASE("the end: what has come can be read, then nothing, and nothing more is accepted") {
    RingIO<8> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("a\nbc") == 4);
        const bool written = co_await io.write("xy");
        CHECK(written);
        io.close();
        CHECK(!io.received('d'));
        CHECK(io.lost() == 0);
        std::string got = co_await readline(io, 8);
        CHECK(got == "a\n");
        got = co_await readexactly(io, 3);
        CHECK(got == "");
        got = co_await readline(io, 8);
        CHECK(got == "bc");
        got = co_await readline(io, 8);
        CHECK(got == "");
        got = co_await read(io);
        CHECK(got == "");
        const bool accepted = co_await io.write("z");
        CHECK(!accepted);
        CHECK(send_all(io) == "xy");
    };
    run_virtual(main());
}

TEST_CASE("close ends a read and a write that wait") {
    RingIO<4> io;
    auto main = [&]() -> Task<> {
        auto reader = create_task(read(io));
        auto writer = create_task(io.write("abcdef"));
        co_await sleep(1s);
        io.close();
        const std::string got = co_await reader;
        CHECK(got == "");
        const bool written = co_await writer;
        CHECK(!written);
        CHECK(send_all(io) == "abcd");
    };
    run_virtual(main());
}

TEST_CASE("an overrun is a gap: what came before it, then nothing, then the count, then what came behind it") {
    RingIO<4> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("abcdefg") == 4);
        CHECK(io.lost() == 0); // the reader has not come to it
        std::string got = co_await readline(io, 4);
        CHECK(got == "abcd");
        CHECK(!io.received('h')); // there is room, but the reader does not know of the gap
        got = co_await read(io);
        CHECK(got == "");
        got = co_await readexactly(io, 1);
        CHECK(got == "");
        CHECK(io.lost() == 4);
        CHECK(io.lost() == 0);
        CHECK(io.received('i'));
        got = co_await read(io);
        CHECK(got == "i");
    };
    run_virtual(main());
}

TEST_CASE("readexactly leaves what a gap cuts off to read, and only then the gap is told") {
    RingIO<4> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("abcde") == 4);
        std::string got = co_await readexactly(io, 3);
        CHECK(got == "abc");
        got = co_await readexactly(io, 3);
        CHECK(got == "");
        CHECK(io.lost() == 0);
        got = co_await read(io);
        CHECK(got == "d");
        CHECK(io.lost() == 1);
        CHECK(io.received("fgh") == 3);
        got = co_await readexactly(io, 3);
        CHECK(got == "fgh");
    };
    run_virtual(main());
}

TEST_CASE("a gap too long for its count does not end by itself") {
    RingIO<4> io;
    constexpr unsigned most = std::numeric_limits<unsigned>::max();
    auto main = [&]() -> Task<> {
        CHECK(io.received("abcde") == 4);
        set_lost(io, most - 1);
        CHECK(io.received("fgh") == 0);
        const std::string got = co_await read(io);
        CHECK(got == "abcd");
        CHECK(!io.received('i'));
        CHECK(io.lost() == most);
        CHECK(io.received('j'));
    };
    run_virtual(main());
}

TEST_CASE("a line that a gap cuts off is not joined with what comes behind the gap") {
    RingIO<4> io;
    auto main = [&]() -> Task<> {
        CHECK(io.received("a\nbcd\n") == 4);
        std::string got = co_await readline(io, 4);
        CHECK(got == "a\n");
        got = co_await readline(io, 4);
        CHECK(got == "bc");
        got = co_await readline(io, 4);
        CHECK(got == "");
        CHECK(io.lost() == 2);
        CHECK(io.received("e\n") == 2);
        got = co_await readline(io, 4);
        CHECK(got == "e\n");
    };
    run_virtual(main());
}

TEST_CASE("a cancelled read loses no byte, whether it is cancelled before or after they come") {
    RingIO<8> io;
    auto main = [&]() -> Task<> {
        auto reader = create_task(readexactly(io, 8));
        co_await yield();
        CHECK(io.received("abc") == 3);
        co_await yield(); // it holds them, and waits for more
        reader.cancel();
        co_await reader.outcome();
        CHECK(reader.cancelled());
        reader = create_task(readline(io, 8));
        co_await yield();
        CHECK(io.received("de\n") == 3);
        reader.cancel(); // it has been roused
        co_await reader.outcome();
        CHECK(reader.cancelled());
        const std::string got = co_await readline(io, 8);
        CHECK(got == "abcde\n");
    };
    run_virtual(main());
}

TEST_CASE("readexactly and readline of more bytes than there is room for are a clear error") {
    auto main = [](bool line) -> Task<> {
        RingIO<4> io;
        if (line) {
            co_await readline(io, 5);
        } else {
            co_await readexactly(io, 5);
        }
    };
    CHECK(contains(misuse_of([&] { run_virtual(main(true)); }), "RingIO: readexactly and readline"));
    CHECK(contains(misuse_of([&] { run_virtual(main(false)); }), "RingIO: readexactly and readline"));
}

TEST_CASE("write waits for room, and drain for the transmitter") {
    RingIO<4> io;
    auto main = [&]() -> Task<> {
        co_await io.drain(); // nothing was written
        auto writer = create_task(io.write("abcdef"));
        co_await sleep(1s);
        CHECK(!writer.done());
        CHECK(io.next_to_send() == 'a');
        co_await sleep(1s);
        CHECK(io.next_to_send() == 'b');
        const bool written = co_await writer;
        CHECK(written);
        auto drained = create_task(io.drain());
        co_await sleep(1s);
        for (const char byte : {'c', 'd', 'e', 'f'}) CHECK(io.next_to_send() == byte);
        co_await sleep(1s);
        CHECK(!drained.done()); // the last byte may still be on its way
        CHECK(!io.next_to_send());
        co_await drained;
    };
    run_virtual(main());
}

TEST_CASE("the transmitter is started when it is idle and there is something to send, and only then") {
    RingIO<4, count_start> io;
    auto main = [&]() -> Task<> {
        co_await io.write("");
        CHECK(starts == 0);
        for (const char* text : {"a", "b", ""}) co_await io.write(text);
        CHECK(starts == 1);
        CHECK(io.next_to_send() == 'a');
        co_await io.write("c");
        CHECK(send_all(io) == "bc");
        CHECK(starts == 1);
        co_await io.write("d");
        CHECK(starts == 2);
        CHECK(send_all(io) == "d");
        CHECK(send_all(io) == "");
        auto writer = create_task(io.write("abcdef")); // does not fit, so it is started before the wait
        co_await yield();
        CHECK(starts == 3);
        CHECK(send_all(io) == "abcd");
        co_await writer;
        CHECK(starts == 4);
        CHECK(send_all(io) == "ef");
    };
    starts = 0;
    run_virtual(main());
}

TEST_CASE("a write that the end refuses starts nothing") {
    RingIO<4, count_start> io;
    auto main = [&]() -> Task<> {
        io.close();
        const bool written = co_await io.write("a");
        CHECK(!written);
        co_await io.drain();
    };
    starts = 0;
    run_virtual(main());
    CHECK(starts == 0);
}

TEST_CASE("a second task that waits to read is a clear error") {
    auto main = []() -> Task<> {
        RingIO<4> io;
        create_task(read(io));
        co_await yield();
        co_await read(io);
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "another task is waiting"));
}

TEST_CASE("a RingIO can be a global that an interrupt uses before main") {
    CHECK(global.received('a'));
    CHECK(!global.next_to_send());
    auto main = []() -> Task<std::string> { co_return co_await read(global); };
    CHECK(run_virtual(main()) == "a");
}

#if ROUSE_HOSTED // threads
TEST_CASE("bytes from a thread come in order, with every byte received or counted as lost") {
    RingIO<16> io;
    constexpr unsigned count = 400'000;
    std::thread interrupt{[&] {
        for (unsigned n = 0; n < count; ++n) {
            io.received(byte_at(n));
            if (n % 16 == 0) spin(static_cast<int>(n / 16 % 1024));
        }
        io.close();
    }};
    unsigned at = 0, wrong = 0, gaps = 0;
    auto main = [&]() -> Task<> {
        char bytes[16];
        for (;;) {
            const std::size_t got = co_await io.read(bytes);
            for (std::size_t i = 0; i < got; ++i) wrong += bytes[i] != byte_at(at++);
            if (got > 0) continue;
            const unsigned lost = io.lost();
            if (lost == 0 && io.closed()) break;
            gaps += lost > 0;
            at += lost;
        }
    };
    run(main());
    interrupt.join();
    CHECK(wrong == 0);
    CHECK(at == count);
    CHECK(gaps > 0); // else this showed little
}

TEST_CASE("bytes to a thread come in order, and it is started again whenever it has gone idle") {
    RingIO<16, count_start> io;
    constexpr unsigned count = 100'000;
    std::atomic<bool> end{false};
    starts = 0;
    unsigned wrong = 0, early = 0;
    unsigned sent = 0; // not atomic: drain() orders it
    // Sleeps as soon as it is idle, so that a start that is missing shows.
    std::thread transmitter{[&] {
        for (unsigned seen = 0; !end;) {
            if (starts == seen) continue; // idle
            ++seen;
            while (const auto byte = io.next_to_send()) wrong += *byte != byte_at(sent++);
        }
    }};
    auto main = [&]() -> Task<> {
        char bytes[24];
        for (unsigned n = 0; n < count;) {
            const unsigned length = std::min(n / 3 % 24 + 1, count - n);
            for (unsigned i = 0; i < length; ++i) bytes[i] = byte_at(n + i);
            co_await io.write({bytes, length});
            n += length;
            if (n % 5 != 0) continue;
            co_await io.drain();
            early += sent != n;
        }
        co_await io.drain();
    };
    run(main());
    end = true;
    transmitter.join();
    CHECK(sent == count);
    CHECK(early == 0);
    CHECK(wrong == 0);
}

TEST_CASE("a byte that is written while the transmitter goes idle is sent") {
    RingIO<4, count_start> io;
    constexpr unsigned rounds = 50'000;
    std::atomic<bool> end{false};
    std::atomic<unsigned> sent{0};
    starts = 0;
    std::thread transmitter{[&] {
        for (unsigned seen = 0; !end;) {
            if (starts == seen) continue; // idle
            ++seen;
            while (io.next_to_send()) ++sent;
        }
    }};
    unsigned stuck = 0;
    auto main = [&]() -> Task<> {
        for (unsigned n = 1; n <= rounds && stuck == 0; ++n) {
            co_await io.write("x");
            const auto until = Clock::now() + 10s;
            for (unsigned turn = 1; sent < n && stuck == 0; ++turn) {
                if (turn % 65'536 == 0 && Clock::now() > until) stuck = n;
            }
            // By now the transmitter has found that there is nothing more, or is about to.
            spin(static_cast<int>(n % 64));
        }
    };
    run(main());
    end = true;
    transmitter.join();
    CHECK(stuck == 0);
}
#endif
