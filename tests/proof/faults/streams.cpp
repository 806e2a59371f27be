// The scenario of the streams: a server, clients that talk to it in every way there is, and beside them a thread that
// rouses the loop.
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <rouse/io/open_connection.hpp>
#include <rouse/io/server.hpp>
#include <rouse/rouse.hpp>

#include "link.hpp"
#include "report.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using faults::Link;
using faults::Report;

namespace {

constexpr std::size_t large = 300'000; // more than goes at once

// Bytes that differ from place to place, in lines of 50.
std::string pattern(std::size_t size) {
    std::string bytes(size, '\n');
    std::uint32_t state = 7;
    for (std::size_t i = 0; i < size; ++i) {
        state = state * 1664525 + 1013904223;
        if (i % 50 != 49) bytes[i] = static_cast<char>('a' + (state >> 24) % 26);
    }
    return bytes;
}

// The first line says what to do: send all of it back, or send a lot and return before it has gone out.
Task<> serve(StreamReader reader, StreamWriter writer) {
    const std::string order = co_await reader.readline();
    if (order == "send\n") {
        writer.write(pattern(large));
        co_return;
    }
    for (;;) {
        const std::string part = co_await reader.read(8192);
        if (part.empty()) break;
        writer.write(part);
        co_await writer.drain();
    }
}

// Each returns what it has got; it should be pattern(size).
Task<std::string> exactly(StreamReader& reader, StreamWriter& writer, std::size_t size) {
    writer.write(pattern(size));
    co_return co_await reader.readexactly(size);
}

Task<std::string> by_lines(StreamReader& reader, StreamWriter& writer, std::size_t size) {
    const std::string all = pattern(size);
    std::string got;
    for (std::size_t i = 0; i < size; i += 50) {
        writer.write(std::string_view{all}.substr(i, 50));
        const std::string line = co_await reader.readline();
        if (line.empty()) break;
        got += line;
    }
    co_return got;
}

Task<std::string> all_at_once(StreamReader& reader, StreamWriter& writer, std::size_t size) {
    writer.write(pattern(size));
    writer.write_eof();
    co_return co_await reader.read();
}

Task<std::string> by_parts(StreamReader& reader, StreamWriter& writer, std::size_t size) {
    const std::string all = pattern(size);
    for (std::size_t i = 0; i < size; i += 4000) {
        writer.write(std::string_view{all}.substr(i, 4000));
        co_await writer.drain();
    }
    writer.write_eof();
    std::string got;
    std::array<char, 3000> part;
    for (;;) {
        const std::size_t count = co_await reader.readinto(part);
        if (count == 0) break;
        got.append(part.data(), count);
    }
    co_return got;
}

struct Kind {
    const char* name;
    const char* order;
    Task<std::string> (*talk)(StreamReader&, StreamWriter&, std::size_t); // null: only listens
    std::size_t size;
};
constexpr Kind kinds[] = {
    {"exactly", "echo\n", exactly, 100},           {"by lines", "echo\n", by_lines, 200},
    {"all at once", "echo\n", all_at_once, large}, {"by parts", "echo\n", by_parts, 20'000},
    {"download", "send\n", nullptr, large},
};

// Whether all has come back. Throws what went wrong.
Task<bool> talk(const Kind& kind, Report& report, std::uint16_t port) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write(kind.order);
    std::string got;
    if (kind.talk == nullptr) {
        got = co_await reader.read();
    } else {
        got = co_await kind.talk(reader, writer, kind.size);
    }
    writer.close();
    co_await writer.wait_closed();
    const std::string expected = pattern(kind.size);
    if (!expected.starts_with(got)) report.was_wrong("client '%s' got other bytes than it sent", kind.name);
    co_return got.size() == kind.size;
}

Task<bool> client(const Kind& kind, Report& report, std::uint16_t port) {
    bool complete = false;
    try {
        complete = co_await talk(kind, report, port);
    } catch (const std::exception& error) {
        report.was_told(error.what());
    }
    co_return complete;
}

Task<> everything(Link& link, Report& report) {
    auto server = co_await start_server(serve, "127.0.0.1", 0);
    co_await link.answer();
    const TaskHandle<> numbers = create_task(link.take_numbers(), "numbers");
    if (!numbers) throw std::bad_alloc{};
    std::array<TaskHandle<bool>, std::size(kinds)> clients;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        clients[i] = create_task(client(kinds[i], report, server.port()));
        if (!clients[i]) throw std::bad_alloc{};
    }
    for (const TaskHandle<bool>& each : clients) {
        const bool complete = co_await each;
        if (!complete) report.was_broken_off();
    }
    co_await numbers;
    // The server goes on.
    bool served = co_await client(kinds[0], report, server.port());
    for (; !served && report.probes < 30; ++report.probes) {
        co_await sleep(20ms);
        served = co_await client(kinds[0], report, server.port());
    }
    if (!served) report.was_wrong("the server does not go on");
    server.close();
    co_await server.wait_closed();
}

} // namespace

bool faults::without_exceptions() noexcept { return false; }

void faults::attempt(Report& report) {
    try {
        Link link{report};
        EpollPort port;
        Loop loop{port};
        loop.set_exception_handler([&report](std::string_view, std::exception_ptr error) {
            try {
                std::rethrow_exception(std::move(error));
            } catch (const std::exception& exception) {
                report.was_told(exception.what());
            }
        });
        try {
            loop.run(everything(link, report));
        } catch (const std::exception& error) {
            report.was_aborted(error.what());
        }
        if (loop.live_tasks() != 0) report.was_wrong("%zu tasks are left", loop.live_tasks());
    } catch (const std::exception& error) {
        report.was_aborted(error.what());
    }
}
