// Everything in io/ works on a thread with a stack of 64 KiB, as musl gives 128 and embedded systems give less.
#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include <rouse/debug/task_list.hpp>
#include <rouse/io/io.hpp>
#include <rouse/rouse.hpp>
#include <rouse/threads/threads.hpp>

#include "ports/in_child.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;

namespace {

using Body = Task<bool>();

struct Call {
    Body* body;
    bool well = false;
};

void* call(void* argument) {
    Call& its = *static_cast<Call*>(argument);
    its.well = run(its.body());
    return nullptr;
}

// Runs `body` on a loop on a thread with a stack of 64 KiB, in a child process, as the failure is a crash.
bool with_small_stack(Body* body) {
    return test::in_child([body] {
               pthread_attr_t attributes;
               ::pthread_attr_init(&attributes);
               ::pthread_attr_setstacksize(&attributes, 64 * 1024);
               pthread_t thread{};
               Call its{body};
               if (::pthread_create(&thread, &attributes, call, &its) != 0) return false;
               ::pthread_join(thread, nullptr);
               return its.well;
           })
        .well();
}

constexpr std::size_t much = 300'000;

Task<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string part = co_await reader.read(much);
        if (part.empty()) break;
        writer.write(part);
        co_await writer.drain();
    }
}

Task<> send(StreamWriter& writer) {
    writer.writelines({"line\n", "until;", "12345"});
    writer.write(std::string(much, 'x'));
    co_await writer.drain();
    writer.write_eof();
}

// Each way to read, from a peer that sends everything back.
Task<bool> read_each_way(StreamReader reader, StreamWriter writer) {
    const auto sender = create_task(send(writer));
    const std::string line = co_await reader.readline();
    const std::string until = co_await reader.readuntil(";");
    const std::string five = co_await reader.readexactly(5);
    std::array<char, 100> place{};
    const std::size_t count = co_await reader.readinto(place);
    const std::string rest = co_await reader.read();
    co_await sender;
    co_return line == "line\n" && until == "until;" && five == "12345" && count + rest.size() == much;
}

Task<bool> tcp() {
    auto server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", server.port());
    const bool read = co_await read_each_way(std::move(reader), std::move(writer));
    server.close();
    co_await server.wait_closed();
    co_return read;
}

Task<bool> unix_sockets() {
    std::string folder = "/tmp/rouse.XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) co_return false;
    const std::string path = folder + "/socket";
    bool read = false;
    {
        auto server = co_await start_unix_server(echo, path);
        auto [reader, writer] = co_await open_unix_connection(path);
        read = co_await read_each_way(std::move(reader), std::move(writer));
    }
    ::rmdir(folder.c_str());
    co_return read;
}

Task<bool> datagrams() {
    auto socket = DatagramSocket::bind("127.0.0.1", 0);
    auto peer = DatagramSocket::connect("127.0.0.1", socket.local().port());
    const std::string longest(DatagramSocket::largest, 'x');
    co_await peer.send(longest);
    const Datagram got = co_await socket.receive();
    co_await socket.send_to("short", got.from);
    std::array<char, 10> place{};
    const ReceivedInto into = co_await peer.receive_into(place);
    co_return got.bytes == longest && !got.cut && into.bytes == 5;
}

Task<bool> pipes() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) co_return false;
    StreamReader reader = open_pipe_reader(ends[0]);
    StreamWriter writer = open_pipe_writer(ends[1]);
    const auto sender = create_task(send(writer));
    const std::string line = co_await reader.readline();
    const std::string rest = co_await reader.read();
    co_await sender;
    co_return line == "line\n" && rest.size() == much + 11;
}

Task<bool> standard_streams() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) co_return false;
    ::dup2(ends[0], STDIN_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    StreamReader reader = standard_input();
    StreamWriter writer = standard_output();
    writer.write("line\n");
    const std::string line = co_await reader.readline();
    co_return line == "line\n";
}

Task<bool> signals() {
    Signal usr{SIGUSR1};
    ::raise(SIGUSR1);
    const int number = co_await usr.wait();
    co_return number == SIGUSR1;
}

// A name that exists, one that does not, and a connection that fails.
Task<bool> names() {
    const auto found = co_await resolve("localhost", 1);
    bool failed = false;
    try {
        static_cast<void>(co_await resolve("nosuch.invalid", 1));
    } catch (const std::system_error&) {
        failed = true;
    }
    bool refused = false;
    try {
        static_cast<void>(co_await open_connection("127.0.0.1", 1));
    } catch (const std::system_error&) {
        refused = true;
    }
    co_return !found.empty() && failed && refused;
}

Task<bool> other_threads() {
    Context context;
    const int one = co_await context.assign([] { return 1; });
    const int two = co_await unblock([] { return 2; });
    co_return one == 1 && two == 2;
}

Task<bool> failed_task_and_list() {
    create_task(
        []() -> Task<> {
            throw std::runtime_error{"for the report"};
            co_return;
        }(),
        "fails");
    co_await sleep(1ms);
    print_tasks(Loop::current());
    co_return true;
}

} // namespace

TEST_CASE("64 KiB of stack suffice for a TCP server and client") { CHECK(with_small_stack(tcp)); }
TEST_CASE("64 KiB of stack suffice for a Unix server and client") { CHECK(with_small_stack(unix_sockets)); }
TEST_CASE("64 KiB of stack suffice for the largest datagram") { CHECK(with_small_stack(datagrams)); }
TEST_CASE("64 KiB of stack suffice for pipes") { CHECK(with_small_stack(pipes)); }
TEST_CASE("64 KiB of stack suffice for standard input and output") { CHECK(with_small_stack(standard_streams)); }
TEST_CASE("64 KiB of stack suffice for signals") { CHECK(with_small_stack(signals)); }
TEST_CASE("64 KiB of stack suffice for the names of hosts, and for errors") { CHECK(with_small_stack(names)); }
TEST_CASE("64 KiB of stack suffice for Context and unblock") { CHECK(with_small_stack(other_threads)); }
TEST_CASE("64 KiB of stack suffice for reports and the task list") { CHECK(with_small_stack(failed_task_and_list)); }
