// Ten thousand connections at once, whose other ends are in another process: as many as this machine lets a process
// have.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "stress/load.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

// The clients: all are connected, and have been answered, before the first one goes on.
struct Meeting {
    explicit Meeting(int count) : expected{count} {}
    Semaphore connecting{256}; // or the backlog is full, and TCP waits for a second
    Event all_are_here;
    int expected;
    int here = 0;
    int served = 0;
};

Task<bool> asks(StreamReader& reader, StreamWriter& writer, const std::string& question) {
    writer.write(question);
    co_await writer.drain();
    const std::string answer = co_await reader.readexactly(question.size());
    co_return answer == question;
}

Task<> comes(Meeting& meeting, std::uint16_t port, int number) {
    const std::string question = std::to_string(number) + loopback::pattern(static_cast<std::size_t>(number % 2000));
    co_await meeting.connecting.acquire();
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    const bool first = co_await asks(reader, writer, question);
    meeting.connecting.release();
    if (++meeting.here == meeting.expected) meeting.all_are_here.set();
    co_await meeting.all_are_here.wait();
    const bool second = co_await asks(reader, writer, question);
    writer.write_eof();
    const std::string rest = co_await reader.read();
    meeting.served += first && second && rest.empty();
}

Task<int> all_come(std::uint16_t port, int count) {
    Meeting meeting{count};
    std::vector<TaskHandle<>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(create_task(comes(meeting, port, i)));
    for (const auto& task : tasks) co_await task.outcome();
    co_return meeting.served;
}

bool all_are_served(std::uint16_t port, int count) {
    static_cast<void>(most_descriptors());
    if (run(all_come(port, 1)) != 1) return false;
    const Held before = Held::now();
    const int served = run(all_come(port, count));
    const Held after = Held::now();
    if (served != count) std::printf("load: %d of %d clients were served\n", served, count);
    if (!(before == after)) std::printf("load: the clients held %ld blocks, now %ld\n", before.blocks, after.blocks);
    return served == count && before == after;
}

// The server.
struct Host {
    Clients& clients;
    int now = 0;
    int most = 0;
    long bytes_at_most = 0;

    Task<> serve(StreamReader reader, StreamWriter writer) {
        ++now;
        if (now > most) {
            most = now;
            bytes_at_most = bytes_in_use;
        }
        co_await loopback::echo(std::move(reader), std::move(writer));
        --now;
    }
};

Task<> hosts(Host& host) {
    auto handler = [&host](StreamReader reader, StreamWriter writer) {
        return host.serve(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    const Held before = Held::now();
    host.clients.begin(server.port());
    while (!host.clients.ended()) co_await sleep(10ms);
    co_await until_all_have_gone(server);
    CHECK(Held::now().descriptors == before.descriptors);
    server.close();
    co_await server.wait_closed();
}

void play(Host& host) {
    run(hosts(host));
    CHECK(host.clients.well());
}

} // namespace

TEST_CASE("load: ten thousand connections at once are all served, and leave nothing behind") {
    const loopback::Deadline deadline{load_seconds};
    const std::size_t descriptors = most_descriptors();
    const auto possible = static_cast<int>(std::min<std::size_t>(descriptors, 20'000)) - 100;
    const int wanted = scaled(10'000, 500);
    const int count = std::min(wanted, possible);
    if (count < wanted) WARN("only " << count << " connections: a process may have " << descriptors << " descriptors");
    REQUIRE(count > 0);

    Clients few{[](std::uint16_t port) { return all_are_served(port, 1); }};
    Clients many{[count](std::uint16_t port) { return all_are_served(port, count); }};
    Host small{few};
    play(small);

    Host host{many};
    const auto begin = std::chrono::steady_clock::now();
    const Held before = Held::now();
    play(host);
    CHECK(Held::now() == before);
    CHECK(host.most >= count); // one had come before, and may not have gone yet
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("load: %d connections at once in %.1f s, %ld bytes of heap for each\n", host.most, time.count(),
                (host.bytes_at_most - before.bytes) / host.most);
}
