#include <rouse/io/detail/descriptor_watch.hpp>

#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <rouse/io/io.hpp>

#include "loopback.hpp"
#include "poll_port.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::bounded;
using loopback::settle;
using loopback::thrown;

namespace {

// A pair of connected sockets, the first of which is watched.
class WatchedPair final : public detail::DescriptorWatch {
public:
    WatchedPair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) != 0 || arm(ends_[0]) != 0)
            throw std::runtime_error{"no pair of sockets to test with"};
    }
    WatchedPair(const WatchedPair&) = delete;
    WatchedPair& operator=(const WatchedPair&) = delete;
    ~WatchedPair() {
        ::close(remove());
        ::close(ends_[1]);
    }

    int watched() const { return ends_[0]; }
    int other() const { return ends_[1]; }

    // Fills the send buffer of the watched end.
    void fill() {
        const std::string bytes(4096, 'x');
        while (::send(watched(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
        }
        exhausted(output_slot());
    }
    // Empties the receive buffer of the other end.
    void drain() const {
        std::string bytes(65536, '\0');
        while (::recv(other(), bytes.data(), bytes.size(), 0) > 0) {
        }
    }

private:
    int ends_[2]{};
};

Task<> wait_in(detail::WatchSlot& slot, int& ended) {
    co_await slot.wait_alone("two in one slot");
    ++ended;
}

// Both directions of one watch are waited in by a task each; each is woken by what concerns it.
Task<> share_a_watch() {
    WatchedPair pair;
    co_await settle();
    CHECK(pair.output_slot().ready());
    CHECK_FALSE(pair.input_slot().ready());
    pair.fill();
    int read = 0, written = 0;
    const auto reader = create_task(wait_in(pair.input_slot(), read));
    const auto writer = create_task(wait_in(pair.output_slot(), written));
    co_await settle();
    CHECK(read + written == 0);
    CHECK(::send(pair.other(), "y", 1, 0) == 1);
    co_await settle();
    CHECK(read == 1);
    CHECK(written == 0);
    pair.drain();
    co_await settle();
    CHECK(written == 1);
    CHECK(reader.done());
    CHECK(writer.done());
}

Task<> two_in_one_slot() {
    WatchedPair pair;
    int ended = 0;
    const auto first = create_task(wait_in(pair.input_slot(), ended));
    co_await settle();
    CHECK(co_await thrown<UsageError>(wait_in(pair.input_slot(), ended)) == "two in one slot");
    CHECK_FALSE(first.done());
}

// Runs a test on a PollPort. The number of waits is bounded, as a port that reports a direction again and again, or
// io/ asking for what it does not want, would show there.
void on_poll_port(Task<> test, int most_waits) {
    const loopback::Deadline deadline;
    test::PollPort port;
    Loop loop{port};
    loop.run(std::move(test));
    CHECK(port.waits < most_waits);
}

Task<> echo_much() {
    auto server = co_await start_server(loopback::echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    const std::string sent = loopback::pattern(8 * 1024 * 1024);
    writer.write(sent);
    writer.write_eof();
    const std::string got = co_await reader.read();
    CHECK(got == sent);
}

Task<> idle() {
    auto c = co_await loopback::connect();
    auto reads = create_task(c.reader.readline());
    co_await sleep(20ms);
    CHECK(c.peer.send("line\n") == 5);
    const auto line = co_await reads;
    CHECK(line == "line\n");
    c.peer.close();
    const auto rest = co_await c.reader.read();
    CHECK(rest.empty());
    co_await sleep(20ms); // a closed peer is not reported for ever
}

Task<> datagrams() {
    auto a = DatagramSocket::bind("127.0.0.1", 0);
    auto b = DatagramSocket::bind("127.0.0.1", 0);
    for (int i = 0; i < 40; ++i) {
        co_await a.send_to("hello", b.local());
        const auto datagram = co_await b.receive();
        CHECK(datagram.bytes == "hello");
    }
}

Task<> pipe_of_many_bytes() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    auto reader = open_pipe_reader(ends[0]);
    auto writer = open_pipe_writer(ends[1]);
    const std::string sent = loopback::pattern(1024 * 1024);
    writer.write(sent);
    writer.close();
    const std::string got = co_await reader.read();
    CHECK(got == sent);
}

} // namespace

TEST_CASE("a reader and a writer share the watch of a descriptor") {
    SECTION("edge-triggered") { bounded(share_a_watch()); }
    SECTION("level-triggered") { on_poll_port(share_a_watch(), 100); }
}

TEST_CASE("a second task in one slot of a watch is bad use") { bounded(two_in_one_slot()); }

TEST_CASE("streams work on a port that reports a direction once for each rearm") {
    SECTION("many bytes") { on_poll_port(echo_much(), 5'000); }
    SECTION("an idle connection, then one whose peer has gone") { on_poll_port(idle(), 100); }
    SECTION("datagrams") { on_poll_port(datagrams(), 200); }
    SECTION("a pipe") { on_poll_port(pipe_of_many_bytes(), 1'000); }
}
