// RingIO: bytes come from a foreign context, with gaps and an end; bytes go to transmitters that are started anew.
#include <memory>

#include <rouse/rouse.hpp>
#include <rouse/threadsafe/ring_io.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Task;

// ---- received -------------------------------------------------------------------------------------------------------

// Reads the bytes 0, 1, 2 and so on until all have been received or counted as lost. May ask for a gap also where no
// read has come to one.
template <class IO>
Task<> read_all(IO& io, int count, bool asks_early) {
    bool at_gap = false;
    for (int next = 0; next < count;) {
        if (asks_early) next += static_cast<int>(io.lost());
        if (next == count) break;
        char bytes[2];
        const std::size_t got = co_await io.read(bytes);
        for (std::size_t i = 0; i < got; ++i) expect(bytes[i] == next++, "a byte is out of order, or lost uncounted");
        if (got > 0) {
            at_gap = false;
            continue;
        }
        const unsigned lost = io.lost();
        expect(lost > 0, "an end that is none");
        expect(!at_gap || asks_early,
               "a byte found no room, though the reader has emptied the ring before it ended the gap");
        at_gap = true;
        next += static_cast<int>(lost);
        expect(next <= count, "more bytes are lost than have come");
    }
}

template <std::size_t N, int count, bool asks_early>
void gaps() {
    auto io = std::make_unique<rouse::RingIO<N>>();
    thread([&] {
        for (int i = 0; i < count; ++i) io->received(static_cast<char>(i));
    });
    int wanted = count;
    bool early = asks_early;
    check::run(read_all<rouse::RingIO<N>>, *io, wanted, early);
    join();
}

// A third context closes. What was accepted is read before the end, whenever it comes.
Task<> read_until_the_end(rouse::RingIO<2>& io, int& received) {
    for (;;) {
        char bytes[2];
        const std::size_t got = co_await io.read(bytes);
        for (std::size_t i = 0; i < got; ++i) expect(bytes[i] == received++, "a byte is out of order");
        if (got > 0) continue;
        expect(io.lost() == 0 && io.closed(), "an end that is none");
        break;
    }
}

void closed_while_bytes_come() {
    auto io = std::make_unique<rouse::RingIO<2>>();
    int accepted = 0, received = 0;
    thread([&] {
        for (int i = 0; i < 2; ++i) accepted += io->received(static_cast<char>(accepted)) ? 1 : 0;
    });
    thread([&] { io->close(); });
    check::run(read_until_the_end, *io, received);
    join();
    expect(accepted == received, "what was accepted has not been read");
}

// What a cancelled read has fetched is got by the next one.
Task<> read_exactly(rouse::RingIO<2>& io) {
    char bytes[2];
    (void)co_await io.readexactly(bytes);
}
Task<> cancel_a_read(rouse::RingIO<2>& io) {
    auto reader = rouse::create_task(read_exactly(io));
    co_await rouse::yield();
    reader.cancel();
    co_await reader.outcome();
    if (reader.cancelled()) co_await read_all(io, 2, false);
}

void cancelled_read() {
    auto io = std::make_unique<rouse::RingIO<2>>();
    thread([&] { expect(io->received(std::string_view{"\0\1", 2}) == 2, "refused, though there is room"); });
    check::run(cancel_a_read, *io);
    join();
}

// ---- sent -----------------------------------------------------------------------------------------------------------

// A transmitter is a context of its own each time it is started: the one before may be still on its way out.
void start_transmitter();
using Sending = rouse::RingIO<1, start_transmitter>;
struct Transmission {
    Sending io;
    int sent = 0; // plain: it belongs to the transmitter, and drain() orders it
};
Transmission* transmission = nullptr;

void start_transmitter() {
    thread([self = transmission] {
        while (const auto byte = self->io.next_to_send()) expect(*byte == self->sent++, "a byte is out of order");
    });
}

Task<> write_and_drain(std::string_view (&texts)[2]) {
    int written = 0;
    for (const std::string_view text : texts) {
        const bool accepted = co_await transmission->io.write(text);
        expect(accepted, "refused, though it is not closed");
        written += static_cast<int>(text.size());
    }
    co_await transmission->io.drain();
    expect(transmission->sent == written, "drained, and not all was sent");
}

void send(std::string_view first, std::string_view second) {
    const auto made = std::make_unique<Transmission>();
    transmission = made.get();
    std::string_view texts[] = {first, second};
    check::run(write_and_drain, texts);
    join();
}
void send_two() { send({"\0", 1}, {"\1", 1}); }
void send_three() { send({"\0\1", 2}, {"\2", 1}); }

} // namespace

std::vector<Program> ring_io_programs() {
    return {
        {"ring_io: two bytes for room for one, a task reads", gaps<1, 2, false>, {}},
        {"ring_io: two bytes for room for one, a task asks for gaps first", gaps<1, 2, true>, {}},
        {"ring_io: three bytes for room for one, a task reads", gaps<1, 3, false>, {.preemptions = 2}},
        {"ring_io: bytes come, another closes, a task reads", closed_while_bytes_come, {.preemptions = 1}},
        {"ring_io: a read is cancelled while bytes come", cancelled_read, {.preemptions = 2}},
        {"ring_io: two bytes are written one by one, and drained", send_two, {.preemptions = 2}},
        {"ring_io: three bytes are written, and drained", send_three, {.preemptions = 1}},
    };
}

} // namespace model
