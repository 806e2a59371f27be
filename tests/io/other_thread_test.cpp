// What is for the tasks of one loop refuses other threads (ROUSE_CHECKED).
#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"

#include "loopback.hpp"

using namespace rouse;

#if !defined(NDEBUG)

namespace {

// Those of the calls that do not tell, on a thread without a loop, what begins so.
std::string wrongly_told(const std::string& beginning, const std::vector<std::function<void()>>& calls) {
    std::string wrong;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        std::string message;
        std::thread{[&] { message = test::misuse_of(calls[i]); }}.join();
        if (message.find(beginning) != 0) wrong += std::to_string(i) + ": " + message + "\n";
    }
    return wrong;
}

Task<> echo(StreamReader reader, StreamWriter writer) {
    writer.write(co_await reader.read(100));
    co_await writer.drain();
}

} // namespace

TEST_CASE("checked: the ends of a connection refuse another thread than that of their loop") {
    loopback::bounded([]() -> Task<> {
        auto server = co_await start_server(echo, "127.0.0.1", 0);
        auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
        writer.write("x");
        const std::string answer = co_await reader.read(1);
        CHECK(answer == "x");
        StreamReader& in = reader;
        StreamWriter& out = writer;
        std::array<char, 1> bytes{};
        CHECK(wrongly_told("rouse: StreamWriter: used on another thread",
                           {[&] { out.write("y"); }, [&] { out.close(); }, [&] { out.write_eof(); },
                            [&] { std::ignore = out.drain(); }, [&] { std::ignore = out.unsent(); }}) == "");
        CHECK(wrongly_told("rouse: StreamReader: used on another thread",
                           {[&] { std::ignore = in.read(1); }, [&] { std::ignore = in.readline(); },
                            [&] { std::ignore = in.readinto(bytes); }, [&] { std::ignore = in.at_eof(); }}) == "");
        const std::string end = co_await reader.read(1); // only "x" was sent
        CHECK(end.empty());
    }());
}

TEST_CASE("checked: a DatagramSocket refuses another thread than that of its loop") {
    loopback::bounded([]() -> Task<> {
        auto socket = DatagramSocket::bind("127.0.0.1", 0);
        std::ignore = socket.local(); // a task has used it
        std::array<char, 1> bytes{};
        CHECK(wrongly_told("rouse: DatagramSocket: used on another thread",
                           {[&] { std::ignore = socket.receive(); }, [&] { std::ignore = socket.receive_into(bytes); },
                            [&] { std::ignore = socket.send_to("x", Address{}); }, [&] { socket.close(); }}) == "");
        co_return;
    }());
}

#endif
