#include <rouse/io/datagram_socket.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "loopback.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"

using namespace rouse;
using loopback::Deadline;
using loopback::pattern;
using loopback::settle;
using loopback::thrown;

// Runs a coroutine on a loop.
template <class F>
static void on_loop(F body) {
    loopback::bounded(body());
}

static bool has_ipv6() {
    const loopback::Plain socket{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool has = ::bind(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (!has) WARN("there is no IPv6 here: not tested");
    return has;
}

static DatagramSocket bound() { return DatagramSocket::bind("127.0.0.1", 0); }

// The code of what `task` throws.
template <class T>
static Task<std::error_code> error_of(Task<T> task) {
    try {
        static_cast<void>(co_await task);
    } catch (const std::system_error& error) {
        co_return error.code();
    }
    co_return std::error_code{};
}

// A socket with a peer that can be kept from reading, unlike one of UDP over loopback: there the system has room
// always.
struct Pair {
    DatagramSocket socket;
    loopback::Plain peer;
};
static Pair pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error{"no socketpair"};
    const sockaddr anything{AF_UNIX, {}};
    int error = 0;
    auto channel = std::make_shared<detail::DatagramChannel>(detail::Descriptor{ends[0]},
                                                             Address{&anything, sizeof anything}, error);
    if (error != 0) throw std::runtime_error{"the socket cannot be watched"};
    return {detail::wrap<DatagramSocket>(std::move(channel)), loopback::Plain{ends[1]}};
}

// ---- there and back -------------------------------------------------------------------------------------------------

static Task<> round_trip(std::string host) {
    auto server = DatagramSocket::bind(host, 0);
    auto client = DatagramSocket::bind(host, 0);
    CHECK(server.local().host() == host);
    CHECK(server.local().port() != 0);
    co_await client.send_to("question", server.local());
    const Datagram question = co_await server.receive();
    CHECK(question.bytes == "question");
    CHECK(question.from == client.local());
    CHECK(!question.cut);
    co_await server.send_to("answer", question.from);
    const Datagram answer = co_await client.receive();
    CHECK(answer.bytes == "answer");
    CHECK(answer.from == server.local());
}
TEST_CASE("a datagram goes there and back over IPv4, and says where it comes from") {
    on_loop([] { return round_trip("127.0.0.1"); });
}
TEST_CASE("a datagram goes there and back over IPv6, and says where it comes from") {
    if (has_ipv6()) on_loop([] { return round_trip("::1"); });
}

static Task<> all_addresses() {
    auto server = DatagramSocket::bind("", 0);
    for (const std::string host : {"127.0.0.1", "::1"}) {
        if (host == "::1" && !has_ipv6()) continue;
        auto client = DatagramSocket::connect(host, server.local().port());
        co_await client.send("question to " + host);
        const Datagram question = co_await server.receive();
        CHECK(question.bytes == "question to " + host);
        CHECK(question.from == client.local()); // an IPv4 address as such
        co_await server.send_to("answer", question.from);
        const Datagram answer = co_await client.receive();
        CHECK(answer.bytes == "answer");
    }
}
TEST_CASE("an empty host is all addresses, of IPv4 and of IPv6") { on_loop(all_addresses); }

static Task<> one_peer_only() {
    auto peer = bound();
    auto stranger = bound();
    auto socket = DatagramSocket::connect("127.0.0.1", peer.local().port());
    CHECK(socket.peer() == peer.local());
    CHECK(peer.peer() == Address{});
    co_await stranger.send_to("strange", socket.local());
    co_await peer.send_to("known", socket.local());
    const Datagram got = co_await socket.receive();
    CHECK(got.bytes == "known");
    CHECK(got.from == peer.local());
}
TEST_CASE("a connected socket hears its peer only") { on_loop(one_peer_only); }

static Task<> largest_datagram() {
    auto receiver = bound();
    auto sender = bound();
    const std::string sent = pattern(DatagramSocket::largest);
    co_await sender.send_to(sent, receiver.local());
    const Datagram got = co_await receiver.receive();
    CHECK(got.bytes == sent);
    CHECK(!got.cut);
}
TEST_CASE("the largest datagram arrives whole") { on_loop(largest_datagram); }

static Task<> largest_over_ipv6() {
    auto receiver = DatagramSocket::bind("::1", 0);
    auto sender = DatagramSocket::bind("::1", 0);
    const std::string sent = pattern(DatagramSocket::largest + 20);
    co_await sender.send_to(sent, receiver.local());
    const Datagram got = co_await receiver.receive();
    CHECK(got.bytes == sent);
    CHECK(!got.cut);
}
TEST_CASE("over IPv6 the largest has 20 bytes more") {
    if (has_ipv6()) on_loop(largest_over_ipv6);
}

static Task<> empty_datagram() {
    auto receiver = bound();
    auto sender = bound();
    co_await sender.send_to("", receiver.local());
    co_await sender.send_to("next", receiver.local());
    const Datagram got = co_await receiver.receive();
    CHECK(got.bytes.empty());
    CHECK(got.from == sender.local());
    CHECK(!got.cut);
    const Datagram next = co_await receiver.receive();
    CHECK(next.bytes == "next");
}
TEST_CASE("an empty datagram arrives, and is no end") { on_loop(empty_datagram); }

static Task<> cut_datagrams() {
    auto receiver = bound();
    auto sender = bound();
    for (const char* bytes : {"12345", "1234", "123"}) co_await sender.send_to(bytes, receiver.local());
    std::array<char, 4> memory{};
    const auto longer = co_await receiver.receive_into(memory);
    CHECK(longer.bytes == 4);
    CHECK(longer.cut);
    CHECK(longer.from == sender.local());
    CHECK(std::string(memory.data(), 4) == "1234");
    const auto as_long = co_await receiver.receive_into(memory);
    CHECK(as_long.bytes == 4);
    CHECK(!as_long.cut);
    const auto shorter = co_await receiver.receive_into(memory);
    CHECK(shorter.bytes == 3);
    CHECK(!shorter.cut);
}
TEST_CASE("a datagram that is longer than the caller's memory is said to be cut, and no other") {
    on_loop(cut_datagrams);
}

static Task<> send_many(DatagramSocket& socket, Address to, unsigned count, const unsigned& received) {
    for (unsigned i = 0; i < count; ++i) {
        const std::string bytes = std::to_string(i);
        co_await socket.send_to(bytes, to);
        while (i - received > 64) co_await yield(); // more might find no room at the receiver
    }
}
static Task<> many() {
    constexpr unsigned count = 20'000;
    auto receiver = bound();
    auto sender = bound();
    unsigned received = 0;
    auto sending = create_task(send_many(sender, receiver.local(), count, received));
    for (; received < count; ++received) {
        const Datagram got = co_await receiver.receive();
        if (got.bytes != std::to_string(received)) break;
    }
    CHECK(received == count);
    sending.cancel();
    static_cast<void>(co_await sending.outcome());
}
TEST_CASE("many datagrams over loopback arrive in order") { on_loop(many); }

// ---- waiting --------------------------------------------------------------------------------------------------------

static Task<> cancelled_receive() {
    auto receiver = bound();
    auto sender = bound();
    auto early = create_task(receiver.receive());
    co_await settle();
    CHECK(early.cancel());
    static_cast<void>(co_await early.outcome());
    CHECK(early.cancelled());

    auto late = create_task(receiver.receive());
    co_await settle();
    co_await sender.send_to("one", receiver.local());
    while (record_of(late)->state != detail::TaskState::ready) co_await yield(); // it has come, and will be taken
    CHECK(late.cancel());
    static_cast<void>(co_await late.outcome());
    CHECK(late.cancelled());
    const Datagram got = co_await receiver.receive();
    CHECK(got.bytes == "one");
}
TEST_CASE("a cancelled receive loses nothing") { on_loop(cancelled_receive); }

static Task<> two_receivers() {
    auto receiver = bound();
    auto sender = bound();
    auto first = create_task(receiver.receive());
    co_await settle();
    std::array<char, 4> memory{};
    const auto refused = co_await thrown<UsageError>(receiver.receive_into(memory));
    CHECK(refused == "rouse: DatagramSocket: another task is receiving from it; one at a time may");
    co_await sender.send_to("one", receiver.local());
    const Datagram got = co_await first;
    CHECK(got.bytes == "one");
}
TEST_CASE("a second task that would wait for a datagram gets an error") { on_loop(two_receivers); }

static Task<> count_turns(unsigned& turns) {
    for (;;) {
        ++turns;
        co_await yield();
    }
}
static Task<> send_endlessly() {
    auto receiver = bound();
    auto sender = bound();
    unsigned turns = 0;
    auto other = create_task(count_turns(turns));
    for (int i = 0; i < 10'000; ++i) co_await sender.send_to("x", receiver.local());
    CHECK(turns > 100);
    CHECK(turns < 5'000);
    other.cancel();
    static_cast<void>(co_await other.outcome());
}
TEST_CASE("sending endlessly goes on at once, but does not keep the other tasks from running") {
    on_loop(send_endlessly);
}

// Each has its number in front.
static Task<> send_numbered(DatagramSocket& socket, unsigned count, unsigned& sent) {
    for (; sent < count; ++sent) {
        const std::string bytes = std::to_string(sent) + std::string(10'000, ' ');
        co_await socket.send(bytes);
    }
}
static int number_received(const loopback::Plain& peer) {
    char bytes[16 * 1024]{};
    if (::recv(peer.descriptor(), bytes, sizeof bytes - 1, MSG_DONTWAIT) < 0) return -1;
    return std::stoi(bytes);
}
static Task<> full_buffer() {
    auto [socket, peer] = pair();
    unsigned sent = 0;
    auto sending = create_task(send_numbered(socket, 1000, sent));
    for (unsigned before = 1; before != sent;) {
        before = sent;
        co_await settle();
    }
    CHECK(!sending.done());
    CHECK(sent > 0);
    CHECK(sent < 1000);
    int next = 0;
    while (next < 1000) {
        const int number = number_received(peer);
        if (number < 0) {
            co_await settle();
            continue;
        }
        REQUIRE(number == next);
        ++next;
    }
    co_await sending;
}
TEST_CASE("send waits while the system has no room, and then goes on in order") { on_loop(full_buffer); }

static Task<> cancelled_send() {
    auto [socket, peer] = pair();
    unsigned sent = 0;
    auto sending = create_task(send_numbered(socket, 1000, sent));
    co_await settle();
    CHECK(sending.cancel());
    static_cast<void>(co_await sending.outcome());
    CHECK(sending.cancelled());
    REQUIRE(sent > 0);
    for (unsigned i = 0; i < sent; ++i) CHECK(number_received(peer) == static_cast<int>(i));
    CHECK(number_received(peer) == -1);
    co_await socket.send("7");
    CHECK(number_received(peer) == 7);
}
TEST_CASE("what a cancelled send had no room for is not sent, and all before it is") { on_loop(cancelled_send); }

static Task<> full_receiver() {
    auto receiver = bound();
    auto sender = bound();
    const std::string large = pattern(60'000);
    for (int i = 0; i < 100; ++i) co_await sender.send_to(large, receiver.local());
    co_await settle();
    int received = 0;
    for (auto task = create_task(receiver.receive());;) {
        co_await settle();
        if (!task.done()) {
            co_await sender.send_to("still there?", receiver.local());
            const Datagram got = co_await task;
            CHECK(got.bytes == "still there?");
            break;
        }
        const Datagram got = co_await task;
        CHECK(got.bytes == large);
        ++received;
        task = create_task(receiver.receive());
    }
    CHECK(received > 0);
    CHECK(received < 100);
}
TEST_CASE("a receiver without room loses whole datagrams, and goes on") { on_loop(full_receiver); }

// ---- errors ---------------------------------------------------------------------------------------------------------

static std::uint16_t free_port() { return bound().local().port(); }

static Task<> refused() {
    const std::uint16_t port = free_port();
    const std::string peer = "127.0.0.1:" + std::to_string(port);
    auto socket = DatagramSocket::connect("127.0.0.1", port);
    auto waiting = create_task(thrown<std::system_error>(socket.receive()));
    co_await settle();
    co_await socket.send("is anybody there?");
    const std::string at_receive = co_await waiting;
    CHECK(at_receive == "rouse: cannot receive from " + peer + ": Connection refused");

    co_await socket.send("really not?");
    const std::string at_send = co_await thrown<std::system_error>(socket.send("say"));
    CHECK(at_send == "rouse: cannot send a datagram of 3 bytes to " + peer + ": Connection refused");

    auto late = DatagramSocket::bind("127.0.0.1", port);
    co_await socket.send("and now?");
    const Datagram got = co_await late.receive();
    CHECK(got.bytes == "and now?");
    co_await late.send_to("yes", got.from);
    const Datagram answer = co_await socket.receive();
    CHECK(answer.bytes == "yes");
}
TEST_CASE("a refusal is an error that names the peer, at a receive or the next send, and the socket goes on") {
    on_loop(refused);
}

static Task<> too_large() {
    auto receiver = bound();
    auto sender = bound();
    const std::string bytes(DatagramSocket::largest + 1, 'x');
    const auto code = co_await error_of(sender.send_to(bytes, receiver.local()));
    CHECK(code == std::errc::message_size);
    const std::string what = co_await thrown<std::system_error>(sender.send_to(bytes, receiver.local()));
    CHECK(what == "rouse: cannot send a datagram of 65508 bytes to " + receiver.local().text() + ": Message too long");
    co_await sender.send_to("small", receiver.local());
    const Datagram got = co_await receiver.receive();
    CHECK(got.bytes == "small");
}
TEST_CASE("a datagram that is too large is an error that says so, and the socket goes on") { on_loop(too_large); }

static Task<> to_nobody() {
    auto socket = bound();
    const auto none = co_await error_of(socket.send_to("x", Address{}));
    CHECK(none == std::errc::destination_address_required);
    if (!has_ipv6()) co_return;
    const Address other_kind = Address::resolve("::1", 9).front();
    const std::string what = co_await thrown<std::system_error>(socket.send_to("x", other_kind));
    CHECK(what == "rouse: cannot send a datagram of 1 bytes to [::1]:9: Address family not supported by protocol");
}
TEST_CASE("sending to no address, or to one of the other kind, is an error") { on_loop(to_nobody); }

static Task<> cannot_bind() {
    const auto taken = bound();
    const std::uint16_t port = taken.local().port();
    std::string what;
    try {
        static_cast<void>(DatagramSocket::bind("127.0.0.1", port));
    } catch (const std::system_error& error) {
        what = error.what();
    }
    CHECK(what == "rouse: cannot bind to 127.0.0.1 port " + std::to_string(port) + ": Address already in use");
    what.clear();
    try {
        static_cast<void>(DatagramSocket::connect("nosuch.invalid", 9));
    } catch (const std::system_error& error) {
        what = error.what();
    }
    CHECK(test::contains(what, "rouse: cannot resolve nosuch.invalid"));
    co_return;
}
TEST_CASE("a socket that cannot be had is an error that names the host") { on_loop(cannot_bind); }

static Task<> bad_use() {
    auto unconnected = bound();
    auto connected = DatagramSocket::connect("127.0.0.1", unconnected.local().port());
    CHECK(test::misuse_of([&] { static_cast<void>(unconnected.send("x")); }) ==
          "rouse: DatagramSocket::send: it is not connected to a peer; use send_to()");
    CHECK(test::misuse_of([&] { static_cast<void>(connected.send_to("x", unconnected.local())); }) ==
          "rouse: DatagramSocket::send_to: it is connected to one peer; use send()");
    CHECK(test::misuse_of([&] { static_cast<void>(connected.receive_into({})); }) ==
          "rouse: DatagramSocket::receive_into: the span must not be empty");
    CHECK(test::misuse_of([] { static_cast<void>(DatagramSocket::connect("127.0.0.1", 0)); }) ==
          "rouse: DatagramSocket::connect: the peer's port must not be 0");
    const DatagramSocket elsewhere = std::move(connected);
    CHECK(test::misuse_of([&] { static_cast<void>(connected.receive()); }) ==
          "rouse: DatagramSocket: it was moved from; use the one that it was moved to");
    co_return;
}
TEST_CASE("bad use of a DatagramSocket names the rule") { on_loop(bad_use); }

// ---- the end --------------------------------------------------------------------------------------------------------

static Task<> closed_while_waiting() {
    const auto before = loopback::open_descriptors();
    auto receiver = bound();
    const std::string where = receiver.local().text();
    auto receiving = create_task(thrown<std::system_error>(receiver.receive()));
    co_await settle();
    receiver.close();
    CHECK(loopback::open_descriptors() == before);
    const std::string what = co_await receiving;
    CHECK(what == "rouse: cannot receive at " + where + ", as the socket is closed: Bad file descriptor");
    receiver.close();
    CHECK(receiver.local().text() == where);
    const auto again = co_await error_of(receiver.receive());
    CHECK(again == std::errc::bad_file_descriptor);
    const auto send = co_await error_of(receiver.send_to("x", receiver.local()));
    CHECK(send == std::errc::bad_file_descriptor);

    auto [full, peer] = pair();
    unsigned sent = 0;
    auto sending = create_task(error_of(send_numbered(full, 1000, sent)));
    co_await settle();
    CHECK(!sending.done());
    full.close();
    const auto sender_got = co_await sending;
    CHECK(sender_got == std::errc::bad_file_descriptor);
}
TEST_CASE("close wakes who waits, by an error; so are all calls afterwards") { on_loop(closed_while_waiting); }

static Task<> destroyed_while_waiting() {
    const auto before = loopback::open_descriptors();
    auto socket = bound();
    auto receiving = create_task(error_of(socket.receive()));
    co_await settle();
    DatagramSocket elsewhere = std::move(socket);
    co_await settle();
    CHECK(!receiving.done());
    elsewhere = bound(); // the first one is destroyed
    const auto got = co_await receiving;
    CHECK(got == std::errc::bad_file_descriptor);
    CHECK(loopback::open_descriptors() == before + 1);
}
TEST_CASE("a socket may be moved while it is waited for; destroying it closes it") { on_loop(destroyed_while_waiting); }

static Task<> receive_for_ever(DatagramSocket socket) {
    for (;;) static_cast<void>(co_await socket.receive());
}
TEST_CASE("a loop that ends takes its datagram sockets with it") {
    const Deadline deadline;
    const auto before = loopback::open_descriptors();
    {
        EpollPort port;
        Loop loop{port};
        const auto start = []() -> Task<> {
            create_task(receive_for_ever(bound()));
            co_await settle();
        };
        loop.run_until_complete(start());
        CHECK(loopback::open_descriptors() > before);
    }
    CHECK(loopback::open_descriptors() == before);
}
