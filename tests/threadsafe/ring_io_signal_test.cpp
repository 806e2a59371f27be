// A RingIO whose other end is a signal handler; on firmware, an interrupt.
#include <rouse/rouse.hpp>

#include <cstddef>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"

using namespace test;

namespace {

// A byte of a stream in which a lost or repeated one shows.
char byte_at(unsigned n) { return static_cast<char>(n * 7 + n / 256); }

constinit RingIO<8> uart;

// Written by the handlers alone.
volatile unsigned number = 0;   // of the bytes that have come
volatile unsigned sent = 0;     // of those that were sent
volatile unsigned not_sent = 0; // of those, wrong ones

// The interrupt comes, and again after each byte, until there is nothing to send.
SignalTimer* transmitter = nullptr;
void start_transmitter() { transmitter->arm(2'000); }
constinit RingIO<8, start_transmitter> out;

} // namespace

TEST_CASE("bytes received in a signal handler come in order, or are counted as lost") {
    constexpr unsigned count = 3'000;
    SignalTimer timer{[](int) {
        for (unsigned burst = number % 13 + 1; burst > 0; --burst) { // at times more than there is room for
            uart.received(byte_at(number));
            number = number + 1;
        }
    }};
    unsigned at = 0, wrong = 0, gaps = 0;
    auto main = [&]() -> Task<> {
        for (long round = 0; at < count; ++round) {
            const unsigned before = number;
            timer.arm(1'000 + round * 41 % 3'000);
            char bytes[8];
            do {
                const std::size_t got = co_await uart.read(bytes);
                for (std::size_t i = 0; i < got; ++i) wrong += bytes[i] != byte_at(at++);
                if (got > 0) continue;
                const unsigned lost = uart.lost();
                gaps += lost > 0;
                at += lost;
            } while (number == before || at < number);
        }
    };
    run(main());
    CHECK(wrong == 0);
    CHECK(at == number);
    CHECK(gaps > 0);
}

TEST_CASE("bytes sent by a signal handler go out in order, and it is started again when it was idle") {
    SignalTimer timer{[](int) {
        const auto byte = out.next_to_send();
        if (!byte) return;
        if (*byte != byte_at(sent)) not_sent = not_sent + 1;
        sent = sent + 1;
        start_transmitter();
    }};
    transmitter = &timer;
    constexpr unsigned count = 2'000;
    unsigned early = 0;
    auto main = [&]() -> Task<> {
        char bytes[12];
        for (unsigned n = 0; n < count;) {
            const unsigned length = n % 12 + 1 < count - n ? n % 12 + 1 : count - n;
            for (unsigned i = 0; i < length; ++i) bytes[i] = byte_at(n + i);
            co_await out.write({bytes, length});
            n += length;
            if (n % 5 != 0) continue;
            co_await out.drain();
            early += sent != n;
        }
        co_await out.drain();
    };
    run(main());
    CHECK(sent == count);
    CHECK(not_sent == 0);
    CHECK(early == 0);
}
