// A server that is stopped under load, whose clients are on another thread: what a client has seen acknowledged was
// counted, whatever becomes of the connection; and if the handlers end in good order, all that they wrote arrives.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "stress/load.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t number_digits = 8;

std::string digits(long number, std::size_t count = number_digits) {
    const std::string text = std::to_string(number);
    return std::string(count - std::min(count, text.size()), '0') + text;
}

// One client, as the two ends see it. Each member is written by one thread, and read by the other only at the end.
struct Account {
    long counted = 0;  // messages that the server has got
    long answered = 0; // acknowledgements that it has written
    bool served = false;
    bool in_order = true;
    long seen = 0;      // acknowledgements that the client has got
    bool ended = false; // and then the end, not an error
};

enum class Stop { hard, orderly };

// A message is the number of the client, the size of its content, and that; the acknowledgement is its number among
// those of the client.
struct Bank {
    std::vector<Account> accounts;
    Stop stop;

    Task<> serve(StreamReader reader, StreamWriter writer) {
        bool cancelled = false;
        try {
            for (;;) {
                const std::string head = co_await reader.readexactly(2 * number_digits);
                const std::string size = head.substr(number_digits);
                const std::string content = co_await reader.readexactly(std::stoul(size));
                Account& account = accounts[std::stoul(head.substr(0, number_digits))];
                account.served = true;
                ++account.counted;
                writer.write(digits(account.counted));
                ++account.answered;
                co_await writer.drain();
            }
        } catch (const IncompleteRead&) {
        } catch (const CancelledError&) {
            if (stop == Stop::hard) throw;
            cancelled = true;
        }
        if (cancelled) co_await in_good_order(reader, writer);
    }

    // Ends its half, and takes what is under way, or the system resets the connection, and the client loses what it has
    // not taken.
    static Task<> in_good_order(StreamReader& reader, StreamWriter& writer) {
        writer.write_eof();
        std::string rest;
        do rest = co_await reader.read(65536);
        while (!rest.empty());
    }
};

Task<> sends(StreamWriter& writer, int client, Dice dice) {
    for (;;) {
        const int size = dice.one_in(8) ? dice(50'000) : dice(500);
        writer.write(digits(client) + digits(size) + std::string(static_cast<std::size_t>(size), 'x'));
        if (dice.one_in(4)) co_await writer.drain();
        if (dice.one_in(16)) co_await sleep(std::chrono::microseconds{dice(500)});
    }
}

Task<> counts_answers(StreamReader& reader, Account& account, Dice dice) {
    try {
        for (;;) {
            const std::string number = co_await reader.readexactly(number_digits);
            ++account.seen;
            account.in_order = account.in_order && number == digits(account.seen);
            if (dice.one_in(100)) co_await sleep(1ms);
        }
    } catch (const IncompleteRead& end) {
        account.ended = end.partial.empty();
    } catch (const std::system_error&) { // reset, as after a hard stop
    }
}

Task<> is_client(std::uint16_t port, int number, Account& account, unsigned seed) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    const auto sender = create_task(sends(writer, number, Dice{seed}));
    co_await counts_answers(reader, account, Dice{seed + 1});
    sender.cancel();
    static_cast<void>(co_await sender.outcome());
}

Task<> are_clients(std::uint16_t port, std::vector<Account>& accounts, unsigned seed) {
    std::vector<TaskHandle<>> clients;
    for (Account& account : accounts) {
        const auto number = static_cast<int>(clients.size());
        clients.push_back(create_task(is_client(port, number, account, seed + 2 * static_cast<unsigned>(number))));
    }
    for (const auto& client : clients) static_cast<void>(co_await client.outcome()); // one may come too late
}

Task<> is_stopped(Bank& bank, unsigned seed) {
    auto handler = [&bank](StreamReader reader, StreamWriter writer) {
        return bank.serve(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    std::thread clients{[port = server.port(), &bank, seed] { run(are_clients(port, bank.accounts, seed)); }};
    Dice dice{seed};
    co_await sleep(std::chrono::milliseconds{20 + dice(200)});
    server.close();
    co_await server.wait_closed();
    clients.join();
}

struct Sums {
    long seen = 0, counted = 0, wrong = 0, cut_off = 0;
};

Sums play(Stop stop, int clients, unsigned seed) {
    Bank bank{std::vector<Account>(static_cast<std::size_t>(clients)), stop};
    loopback::bounded(is_stopped(bank, seed));
    Sums sums;
    for (const Account& each : bank.accounts) {
        sums.seen += each.seen;
        sums.counted += each.counted;
        sums.wrong += !each.in_order || each.seen > each.counted;
        sums.cut_off += each.served && (!each.ended || each.seen != each.answered);
    }
    return sums;
}

void stop_under_load(const char* name, Stop stop) {
    const unsigned seed = load_seed(name);
    const int clients = scaled(64, 8);
    play(stop, 2, seed);
    const Held before = Held::now();
    Sums all;
    for (unsigned round = 0; round < 8; ++round) {
        const Sums sums = play(stop, clients, seed + 1000 * round);
        all.seen += sums.seen;
        all.counted += sums.counted;
        all.wrong += sums.wrong;
        all.cut_off += sums.cut_off;
    }
    const Held after = Held::now();
    CHECK(after == before);
    CHECK(all.wrong == 0);
    if (stop == Stop::orderly) CHECK(all.cut_off == 0);
    CHECK(all.seen > 1000); // it was under load
    std::printf("load: %s: of %ld messages that were counted, %ld were seen acknowledged\n", name, all.counted,
                all.seen);
}

} // namespace

TEST_CASE("load: a server that is closed under load has counted all that a client has seen acknowledged") {
    stop_under_load("closed", Stop::hard);
}

TEST_CASE("load: a server whose handlers end in good order under load loses nothing that they have written") {
    stop_under_load("ended in good order", Stop::orderly);
}
