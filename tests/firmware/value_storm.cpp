// A storm of values and bytes: the timer interrupts again and again, after times that sweep over all remainders, and
// each time publishes a value, sets a message, brings a byte and takes one to send, while tasks read, wait, write and
// set the message themselves. Values must be whole and never older than one before; bytes must arrive once and in
// order, or be counted; no wake may be missing at the end.
#include "support.hpp"

using namespace test;

namespace {

constexpr std::uint32_t interrupts_in_all = 20'000;

constinit InterruptedAt addresses;

struct Readings {
    std::uint32_t words[6] = {};
    static Readings of(std::uint32_t n) { return {{n, n, n, n, n, n}}; }
};

bool sending = false;
void start_sending() { sending = true; }

constinit rouse::Latest<Readings> latest;
constinit rouse::Message<Readings, 2> message;
constinit rouse::Broadcast<Readings, 2> broadcast;
constinit rouse::RingIO<8, start_sending> ring;

// Written by the interrupt.
volatile std::uint32_t interrupts = 0;
volatile std::uint32_t bytes_come = 0; // the bytes are their numbers
volatile std::uint32_t bytes_sent = 0;
volatile std::uint32_t refused_sets = 0;
volatile bool over = false;

// Written by the tasks.
std::uint32_t values = 0, messages = 0, bytes_read = 0, bytes_lost = 0, bytes_written = 0, heard = 0, lagged = 0;
constexpr std::uint32_t from_a_task = 0x8000'0000;

std::uint32_t number_of(const Readings& readings) {
    for (const std::uint32_t word : readings.words) check(word == readings.words[0], "a value is torn");
    return readings.words[0];
}

// From a few instructions behind the last interrupt to a whole turn of the loop; 997 is prime.
void arm(std::uint32_t which) { board::start_timer(60 + which * 389 % 997 * ((which & 7) + 1) / 2, false); }

void storm() {
    Stopwatch::start(10'000'000); // a watchdog
    addresses.note();
    interrupts = interrupts + 1;
    check(interrupts < 5 * interrupts_in_all, "a wake was lost: tasks have stopped");
    latest.publish(Readings::of(interrupts));
    broadcast.publish(Readings::of(interrupts));
    if (!message.set(Readings::of(interrupts))) refused_sets = refused_sets + 1;
    if (interrupts % 3 != 0 && !ring.closed()) {
        (void)ring.received(static_cast<char>(bytes_come));
        bytes_come = bytes_come + 1;
    }
    if (sending) {
        sending = false;
        if (const auto byte = ring.next_to_send()) {
            sending = true;
            check(*byte == static_cast<char>(bytes_sent), "a byte is sent that is not the next one written");
            bytes_sent = bytes_sent + 1;
        }
    }
    over = interrupts >= interrupts_in_all;
    if (over) {
        ring.close();
        broadcast.close();
    }
    if (!over || sending) arm(interrupts);
}

Task<> read_values() {
    for (std::uint32_t last = 0; last < interrupts_in_all; ++values) {
        const Readings readings = co_await latest.next();
        const std::uint32_t number = number_of(readings);
        check(number > last, "a value is not newer than one before");
        last = number;
    }
}

// In order, and what it lost is counted; others come and go meanwhile.
Task<> hear(rouse::Broadcast<Readings, 2>::Subscriber& mine) {
    std::uint32_t last = 0;
    std::size_t lost = 0;
    while (const auto readings = co_await mine.next()) {
        const std::uint32_t number = number_of(*readings);
        check(number == last + 1 + (mine.lagged() - lost), "a value is not the one that is due");
        last = number;
        lost = mine.lagged();
        ++heard;
        if (heard % 3 == 0) (void)rouse::Broadcast<Readings, 2>::Subscriber{broadcast}.get_sync();
    }
    check(last == interrupts_in_all, "the stream ended before its last value");
    lagged = static_cast<std::uint32_t>(lost);
}

Task<> take_messages() {
    for (std::uint32_t last = 0; last < interrupts_in_all; ++messages) {
        const Readings readings = co_await message.next();
        const std::uint32_t number = number_of(readings);
        if ((number & from_a_task) != 0) continue;
        check(number >= last, "a message is older than one before");
        last = number;
    }
}

// The other setter, which the interrupt interrupts. Not at the end, where it could be newer than the interrupt's last.
Task<> set_messages() {
    while (interrupts < interrupts_in_all - 100) {
        if (!message.set(Readings::of(from_a_task | interrupts))) refused_sets = refused_sets + 1;
        co_await rouse::yield();
    }
}

Task<> read_bytes() {
    char bytes[5];
    for (std::uint32_t next = 0;;) {
        const std::size_t count = co_await ring.read(bytes);
        for (std::size_t i = 0; i < count; ++i, ++next)
            check(bytes[i] == static_cast<char>(next), "a byte is not the next one that came");
        bytes_read += static_cast<std::uint32_t>(count);
        if (count > 0) continue;
        const unsigned lost = ring.lost();
        if (lost == 0) co_return;
        bytes_lost += lost;
        next += lost;
    }
}

Task<> write_bytes() {
    for (;;) {
        char bytes[3];
        for (char& byte : bytes) byte = static_cast<char>(bytes_written++);
        const bool all = co_await ring.write({bytes, 3});
        if (!all) break;
        if (bytes_written % 30 == 0) {
            co_await ring.drain();
            check(bytes_sent == bytes_written, "drain() has returned before all was sent");
        }
    }
    co_await ring.drain();
}

Task<> main_task() {
    rouse::Broadcast<Readings, 2>::Subscriber subscriber{broadcast};
    arm(1);
    co_await rouse::gather(read_values(), hear(subscriber), take_messages(), set_messages(), read_bytes(),
                           write_bytes());
}

} // namespace

extern "C" void timer_interrupt() { storm(); }
extern "C" void tick_interrupt() { fail("a wake was lost: nothing runs any more"); }

int main() {
    NoClock clock;
    run(clock, main_task());
    Stopwatch::stop();
    board::print("value_storm: ", std::uint32_t{interrupts}, " interrupts at ", addresses.distinct(),
                 " distinct addresses; ", values, " values read, ", messages, " messages taken, ", heard,
                 " values heard, ", lagged, " too late; bytes in ", bytes_read, " (", bytes_lost, " lost), out ",
                 std::uint32_t{bytes_sent}, "\n");
    check(refused_sets == 0, "a set was refused, though the setters are not too many");
    check(bytes_read + bytes_lost == bytes_come, "bytes were lost that nobody has counted");
    check(values > 1000 && values <= interrupts, "more values than interrupts, or hardly any");
    check(heard > 1000 && heard + lagged == interrupts_in_all, "values were lost that nobody has counted");
    check(messages > 1000, "hardly any messages");
    check(bytes_sent > 1000 && bytes_sent + 3 >= bytes_written - 3, "bytes were written and not sent");
    check(addresses.distinct() > 500, "the interrupts came in too few places");
}
