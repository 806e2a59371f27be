// Clients that end half a connection, or break it off at any byte: the next one is served, and nothing is left behind.
#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include "stress/load.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;
using loopback::Plain;

namespace {

// ---- half-close -----------------------------------------------------------------------------------------------------

// Some are more than the system takes at once.
std::string part_of(int number) {
    return loopback::pattern(static_cast<std::size_t>(number % 50 == 3 ? 12'000'000 : number * 7919 % 300'000));
}

// The client ends its half first; the server has all of it, and then answers.
Task<> client_ends_first(std::uint16_t port, int number, int& right) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    const std::string sent = part_of(number);
    writer.write(sent);
    writer.write_eof();
    const std::string answer = co_await reader.read();
    right += answer == std::to_string(sent.size()) + sent;
}
Task<> answers_at_the_end(StreamReader reader, StreamWriter writer) {
    const std::string all = co_await reader.read();
    writer.write(std::to_string(all.size()));
    writer.write(all);
}

// The server ends its half first; the client has all of it, and then answers.
Task<> server_ends_first(std::uint16_t port, int number, int&) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write(std::to_string(number) + "\n");
    const std::string all = co_await reader.read();
    writer.write(std::to_string(all.size()));
    writer.write(all);
}
auto ends_first(int& right) {
    return [&right](StreamReader reader, StreamWriter writer) -> Task<> {
        const std::string number = co_await reader.readline();
        const std::string sent = part_of(std::stoi(number));
        writer.write(sent);
        writer.write_eof();
        const std::string answer = co_await reader.read();
        right += answer == std::to_string(sent.size()) + sent;
    };
}

template <class Handler>
Task<> half_closes(Handler handler, Task<> (*client)(std::uint16_t, int, int&), int count, int& right) {
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    std::vector<TaskHandle<>> clients;
    for (int i = 0; i < count; ++i) clients.push_back(create_task(client(server.port(), i, right)));
    for (const auto& each : clients) co_await each;
    co_await close_and_wait(server);
}

// ---- resets ---------------------------------------------------------------------------------------------------------

// A request is a number of four digits and so many bytes; the answer is these bytes, `times` times.
const std::string request = "0020abcdefghijklmnopqrst";

std::string answer(std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += request.substr(4);
    return all;
}

struct Answers {
    std::size_t times;
    int broken_off = 0;

    Task<> serve(StreamReader reader, StreamWriter writer) {
        try {
            for (;;) {
                const std::string size = co_await reader.readexactly(4);
                const std::string body = co_await reader.readexactly(static_cast<std::size_t>(std::stoi(size)));
                std::string all;
                for (std::size_t i = 0; i < times; ++i) all += body;
                writer.write(all);
                co_await writer.drain();
            }
        } catch (const IncompleteRead&) {
        } catch (const std::system_error&) {
            ++broken_off;
        }
    }
};

Task<bool> is_served(std::uint16_t port, std::size_t times) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write(request);
    const std::string got = co_await reader.readexactly(request.size() * times - 4 * times);
    co_return got == answer(times);
}

// The client sends `sent` bytes, takes `taken`, and resets: at once, or when the server has had the time to see it.
Task<> breaks_off(std::uint16_t port, std::size_t sent, std::size_t taken, bool at_once) {
    auto client = Plain::connected(port);
    client.send(std::string_view{request}.substr(0, sent));
    co_await takes(client, taken);
    if (!at_once) co_await sleep(1ms);
    client.reset();
}

Task<> reset_everywhere(Answers& answers, int step) {
    auto handler = [&answers](StreamReader reader, StreamWriter writer) {
        return answers.serve(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, "127.0.0.1", 0);
    const auto before = loopback::open_descriptors();
    std::vector<std::pair<std::size_t, std::size_t>> points; // sent, taken
    for (std::size_t sent = 0; sent < request.size(); ++sent) points.emplace_back(sent, 0);
    const std::size_t size = answer(answers.times).size();
    const std::size_t pace = std::max<std::size_t>(size / 40, 1);
    for (std::size_t taken = 0; taken <= size; taken += pace) points.emplace_back(request.size(), taken);
    answers.broken_off = 0;
    int resets = 0, unserved = 0;
    for (std::size_t i = 0; i < points.size(); i += static_cast<std::size_t>(step)) {
        for (const bool at_once : {true, false}) {
            co_await breaks_off(server.port(), points[i].first, points[i].second, at_once);
            const bool served = co_await is_served(server.port(), answers.times);
            unserved += !served;
            ++resets;
        }
    }
    CHECK(unserved == 0);
    co_await until_all_have_gone(server);
    CHECK(answers.broken_off == resets); // each was told, and none took it for an end
    CHECK(loopback::open_descriptors() == before);
    server.close();
    co_await server.wait_closed();
}

} // namespace

TEST_CASE("load: a client that ends its half first gets the answer, a server that does so gets its own") {
    int right = 0;
    const int count = scaled(400, 20);
    leaves_nothing([&right](int n) { return half_closes(answers_at_the_end, client_ends_first, n, right); }, 10, count);
    CHECK(right == count + 10);
    right = 0;
    leaves_nothing([&right](int n) { return half_closes(ends_first(right), server_ends_first, n, right); }, 10, count);
    CHECK(right == count + 10);
}

TEST_CASE("load: a client that resets at any byte of request or answer is gone, and the next one is served") {
    constexpr int points = 65;
    for (const std::size_t times : {1u, 100'000u}) { // the second is more than the system takes
        Answers answers{times};
        const int step = times == 1 ? 1 : points / scaled(points, 5);
        leaves_nothing([&answers](int every) { return reset_everywhere(answers, every); }, 20, step);
    }
}
