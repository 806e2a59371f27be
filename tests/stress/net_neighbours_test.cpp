// Clients that dawdle, or take all descriptors: the others are served meanwhile, or in turn, and nothing is left
// behind.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "ports/in_child.hpp"
#include "stress/load.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;
using loopback::Plain;

namespace {

// ---- dawdling -------------------------------------------------------------------------------------------------------

struct Pace {
    bool dawdling = true; // the slow ones are not done yet
    int slow_right = 0;
    int busy = 0;                 // clients
    std::array<long, 8> rounds{}; // of each that is busy, meanwhile

    bool all_have_had(long count) const {
        return std::all_of(rounds.begin(), rounds.begin() + busy, [count](long each) { return each >= count; });
    }
};

Task<> sends_slowly(std::uint16_t port, Pace& pace) {
    const std::string line = "a byte at a time\n";
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    for (const char byte : line) {
        // The last one only when each of the busy has been served many times: if it is not, nothing ends here.
        while (byte == '\n' && !pace.all_have_had(50)) co_await sleep(10ms);
        writer.write({&byte, 1});
        co_await sleep(100ms);
    }
    const std::string back = co_await reader.readline();
    pace.slow_right += back == line;
}

Task<> takes_slowly(std::uint16_t port, Pace& pace) {
    const Plain client = Plain::connected(port);
    const std::string line = std::string(4000, 'x') + '\n';
    for (std::size_t sent = line.size(); sent == line.size();) sent = client.send(line); // until it is held back
    while (pace.dawdling) {
        co_await takes(client, 1);
        co_await sleep(100ms);
    }
}

Task<> is_busy(std::uint16_t port, const Pace& pace, long& rounds) {
    const std::string line = std::string(1000, 'y') + '\n';
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    while (pace.dawdling) {
        writer.write(line);
        const std::string back = co_await reader.readline();
        rounds += back == line;
    }
}

Task<> echo_lines(StreamReader reader, StreamWriter writer) {
    try {
        while (auto line = co_await reader.next_line()) {
            writer.write(*line);
            co_await writer.drain();
        }
    } catch (const std::system_error&) { // one that takes slowly has gone
    }
}

Task<> slow_beside_busy(Pace& pace, int count) {
    auto server = co_await start_server(echo_lines, "127.0.0.1", 0);
    pace.busy = count;
    std::vector<TaskHandle<>> slow, others;
    for (int i = 0; i < count; ++i) slow.push_back(create_task(sends_slowly(server.port(), pace)));
    for (int i = 0; i < count; ++i) others.push_back(create_task(takes_slowly(server.port(), pace)));
    co_await sleep(100ms); // they are before the busy ones
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
        others.push_back(create_task(is_busy(server.port(), pace, pace.rounds[i])));
    for (const auto& each : slow) co_await each;
    pace.dawdling = false;
    for (const auto& each : others) co_await each;
    co_await close_and_wait(server);
}

// ---- no descriptors -------------------------------------------------------------------------------------------------

} // namespace

static int refusals = 0; // how often the system had no descriptor for a client
extern "C" int accept4(int descriptor, sockaddr* address, socklen_t* size, int flags) {
    const auto accepted = static_cast<int>(::syscall(SYS_accept4, descriptor, address, size, flags));
    refusals += accepted < 0 && errno == EMFILE;
    return accepted;
}

namespace {

// More clients than the server has descriptors for. Each goes when it has been answered, which frees two.
Task<bool> too_many(int count, std::size_t room) {
    auto server = co_await start_server(loopback::echo, "127.0.0.1", 0);
    std::vector<Plain> clients;
    for (int i = 0; i < count; ++i) clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto next = static_cast<rlim_t>(clients.back().descriptor()) + 1;
    const rlimit lowered{next + room, limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lowered);
    for (const Plain& client : clients) {
        client.connect(server.port());
        client.send("hello");
    }
    co_await sleep(20ms);
    const int before = refusals;
    co_await sleep(300ms);
    const int in_between = refusals - before;
    const bool full = server.clients() == room;
    std::size_t answered = 0;
    for (int wait = 0; answered < clients.size() && wait < 800; ++wait) {
        for (Plain& client : clients) {
            if (client.descriptor() < 0 || client.take() != "hello") continue;
            ++answered;
            client.close();
        }
        co_await sleep(10ms);
    }
    co_await until_all_have_gone(server);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    writer.write("again");
    const std::string echo = co_await reader.readexactly(5);
    const bool again = echo == "again";
    writer.close();
    co_await until_all_have_gone(server);
    std::fprintf(stderr, "%zu of %zu answered, asked %d times in 300 ms, %sfull, %sserved afterwards\n", answered,
                 clients.size(), in_between, full ? "" : "not ", again ? "" : "not ");
    const bool rests = in_between > 0 && in_between < 20;
    const bool well = rests && full && again && answered == clients.size();
    server.close();
    co_await server.wait_closed();
    co_return well;
}

} // namespace

TEST_CASE("load: clients that send or take a byte now and then do not hold up the busy ones") {
    Pace pace;
    leaves_nothing(
        [&pace](int count) {
            pace = Pace{};
            return slow_beside_busy(pace, count);
        },
        1, 8);
    CHECK(pace.slow_right == 8);
}

TEST_CASE("load: a server that has no descriptors left serves those it has, rests, and serves the others in turn") {
    const auto child = in_child([] {
        const bool small = run(too_many(8, 4));
        const Held before = Held::now();
        const bool large = run(too_many(40, 8));
        return small && large && Held::now() == before;
    });
    INFO(child.said);
    CHECK(child.well());
}
