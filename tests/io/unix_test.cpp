#include <rouse/io/unix.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <sys/un.h>

#include "loopback.hpp"
#include "ports/in_child.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::echo;
using loopback::pattern;
using loopback::settle;
using loopback::thrown;
using loopback::until_cancelled;

// A directory of its own, removed with all that is in it.
class Directory {
public:
    Directory() {
        char name[] = "/tmp/rouse_unix_XXXXXX";
        if (::mkdtemp(name) == nullptr) throw std::runtime_error{"no directory to test in"};
        name_ = name;
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(name_); }

    std::string path(const std::string& name = "socket") const { return name_ + "/" + name; }

private:
    std::string name_;
};

// Runs a coroutine with a path at which there is nothing yet.
template <class F>
static void with_path(F test) {
    const Directory directory;
    loopback::bounded(test(directory.path()));
}

static loopback::Plain plain_socket(int type = SOCK_STREAM) {
    return loopback::Plain{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
}

// Binds a socket of the test's own.
static void bind_to(const loopback::Plain& socket, const std::string& path) {
    const Address address = Address::unix_path(path);
    if (::bind(socket.descriptor(), address.data(), address.size()) != 0) throw std::runtime_error{"cannot bind"};
}

static Task<> round_trip(std::string path, std::size_t size) {
    const std::string sent = pattern(size);
    auto [reader, writer] = co_await open_unix_connection(path);
    writer.write(sent);
    writer.write_eof();
    const std::string got = co_await reader.read();
    CHECK(got == sent);
}

// ---- addresses ------------------------------------------------------------------------------------------------------

TEST_CASE("the address of a Unix socket is its path") {
    const Address address = Address::unix_path("/run/some.socket");
    CHECK(address.family() == AF_UNIX);
    CHECK(address.host() == "/run/some.socket");
    CHECK(address.text() == "/run/some.socket");
    CHECK(address.port() == 0);
    CHECK_FALSE(address.is_unnamed());
    CHECK(address == Address::unix_path("/run/some.socket"));
    CHECK_FALSE(address == Address::unix_path("/run/some.sockeT"));
}

TEST_CASE("a path of a Unix socket may have 107 bytes, and the system gives it back") {
    const Directory directory;
    const std::string start = directory.path("");
    const std::string longest = start + std::string(107 - start.size(), 'x');
    const auto socket = plain_socket();
    bind_to(socket, longest);
    CHECK(Address::of_socket(socket.descriptor()).text() == longest);
    CHECK(Address::of_socket(socket.descriptor()) == Address::unix_path(longest));
}

TEST_CASE("a path that is too long for a Unix socket is an error that names it") {
    const std::string path(108, 'x');
    try {
        static_cast<void>(Address::unix_path(path));
        FAIL("taken");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::filename_too_long);
        CHECK(error.what() == "rouse: cannot name a Unix socket " + path + ": File name too long");
    }
}

TEST_CASE("a path that would name another kind of Unix socket is refused") {
    CHECK_THROWS_WITH(Address::unix_path(""), "rouse: Address::unix_path: the path must not be empty");
    CHECK_THROWS_WITH(Address::unix_path(std::string("\0abstract", 9)),
                      "rouse: Address::unix_path: the path must not contain a NUL");
}

TEST_CASE("a Unix socket that is not bound has an unnamed address") {
    const auto socket = plain_socket();
    const Address address = Address::of_socket(socket.descriptor());
    CHECK(address.is_unnamed());
    CHECK(address.text() == "(unnamed)");
}

// ---- connections ----------------------------------------------------------------------------------------------------

static Task<> many_clients(std::string path) {
    auto server = co_await start_unix_server(echo, path);
    std::vector<TaskHandle<>> clients;
    for (std::size_t i = 0; i < 20; ++i)
        clients.push_back(create_task(round_trip(path, i < 18 ? i * 1000 : 2'000'000)));
    for (const auto& client : clients) co_await client;
    co_await settle();
    CHECK(server.clients() == 0);
    CHECK(server.port() == 0);
}
TEST_CASE("a server on a path serves many clients at once") { with_path(many_clients); }

static Task<> names(std::string path) {
    std::string of_client;
    auto handler = [&of_client](StreamReader, StreamWriter writer) -> Task<> {
        of_client = writer.peer().text();
        co_return;
    };
    auto server = co_await start_unix_server(handler, path);
    auto [reader, writer] = co_await open_unix_connection(path);
    co_await reader.read();
    CHECK(writer.peer().text() == path);
    CHECK(of_client == path);
}
TEST_CASE("both ends of a connection on a path are named after it") { with_path(names); }

static Task<> client_name(std::string path) {
    std::string name;
    Loop::current().set_exception_handler([&name](std::string_view task, std::exception_ptr) { name = task; });
    auto handler = [](StreamReader, StreamWriter) -> Task<> {
        throw std::runtime_error{"as asked"};
        co_return;
    };
    auto server = co_await start_unix_server(handler, path);
    auto [reader, writer] = co_await open_unix_connection(path);
    co_await reader.read();
    co_await settle();
    CHECK(name == "client " + path);
}
TEST_CASE("the task that serves a client on a path is named after it") { with_path(client_name); }

static Task<> named_client(std::string path) {
    std::string of_client;
    auto handler = [&of_client](StreamReader, StreamWriter writer) -> Task<> {
        of_client = writer.peer().text();
        co_return;
    };
    auto server = co_await start_unix_server(handler, path);
    const auto client = plain_socket();
    bind_to(client, path + ".client");
    const Address address = Address::unix_path(path);
    CHECK(::connect(client.descriptor(), address.data(), address.size()) == 0);
    co_await settle();
    CHECK(of_client == path + ".client");
}
TEST_CASE("a client that has bound its socket to a path has that name") { with_path(named_client); }

static Task<> broken_off(std::string path) {
    const auto listener = plain_socket();
    bind_to(listener, path);
    ::listen(listener.descriptor(), 8);
    auto [reader, writer] = co_await open_unix_connection(path);
    auto peer = listener.accept();
    writer.write("never read");
    co_await settle();
    peer.send("last words");
    peer.close(); // with something unread: the system says that to us
    const auto got = co_await reader.read(100);
    CHECK(got == "last words");
    const std::string what = co_await thrown<std::system_error>(reader.read(100));
    CHECK(what == "rouse: connection with " + path + ": Connection reset by peer");
}
TEST_CASE("the error of a connection names its path, and comes behind what had come in") { with_path(broken_off); }

static Task<> gone(std::string path) {
    const auto listener = plain_socket();
    bind_to(listener, path);
    ::listen(listener.descriptor(), 8);
    auto [reader, writer] = co_await open_unix_connection(path);
    listener.accept().close();
    co_await settle();
    writer.write("is anybody there?");
    const std::string what = co_await thrown<std::system_error>(writer.drain());
    CHECK(what == "rouse: connection with " + path + ": Broken pipe");
}
TEST_CASE("writing to a peer on a path that has gone is an error, and raises no signal") { with_path(gone); }

static Task<> unread_output(std::string path) {
    const auto listener = plain_socket();
    bind_to(listener, path);
    ::listen(listener.descriptor(), 8);
    auto [reader, writer] = co_await open_unix_connection(path);
    const auto peer = listener.accept();
    const std::string sent = pattern(4'000'000);
    writer.write(sent);
    auto drain = create_task(writer.drain());
    co_await settle();
    CHECK_FALSE(drain.done());
    writer.close();
    std::string got;
    for (bool end = false; !end;) {
        got += peer.take(&end);
        co_await settle();
    }
    CHECK(got == sent);
    co_await drain;
}
TEST_CASE("a peer on a path that reads slowly holds the writer back, and gets all before the end") {
    with_path(unread_output);
}

static Task<> nobody(std::string path) {
    const auto before = loopback::open_descriptors();
    const std::string missing = co_await thrown<std::system_error>(open_unix_connection(path));
    CHECK(missing == "rouse: cannot connect to " + path + ": No such file or directory");
    {
        bind_to(plain_socket(), path);
    }
    const std::string stale = co_await thrown<std::system_error>(open_unix_connection(path));
    CHECK(stale == "rouse: cannot connect to " + path + ": Connection refused");
    CHECK(loopback::open_descriptors() == before);
    const std::string empty = co_await thrown<UsageError>(open_unix_connection(""));
    CHECK(empty == "rouse: Address::unix_path: the path must not be empty");
}
TEST_CASE("connecting to a path where nobody listens is an error that names it") { with_path(nobody); }

static Task<> full_backlog(std::string path) {
    const auto listener = plain_socket();
    bind_to(listener, path);
    ::listen(listener.descriptor(), 1);
    std::vector<TaskHandle<std::pair<StreamReader, StreamWriter>>> attempts;
    for (int i = 0; i < 4; ++i) attempts.push_back(create_task(open_unix_connection(path)));
    co_await settle();
    CHECK(attempts[1].done());
    CHECK_FALSE(attempts[2].done());
    CHECK_FALSE(attempts[3].done());
    const auto before = loopback::open_descriptors();
    attempts[2].cancel();
    static_cast<void>(co_await attempts[2].outcome());
    CHECK(attempts[2].cancelled());
    CHECK(loopback::open_descriptors() == before);
    CHECK_FALSE(attempts[3].done());
    const auto first = listener.accept();
    const auto last = co_await attempts[3].outcome();
    CHECK(last.has_value());
}
TEST_CASE("while the backlog of a path is full, connecting waits, and may be cancelled") { with_path(full_backlog); }

// ---- the file -------------------------------------------------------------------------------------------------------

static Task<> removed(std::string path) {
    auto server = co_await start_unix_server(until_cancelled, path);
    CHECK(std::filesystem::is_socket(path));
    auto client = co_await open_unix_connection(path);
    co_await settle();
    server.close();
    CHECK_FALSE(std::filesystem::exists(path));
    co_await server.wait_closed();
    const std::string what = co_await thrown<std::system_error>(open_unix_connection(path));
    CHECK_FALSE(what.empty());
    std::optional<Server> again;
    again.emplace(co_await start_unix_server(until_cancelled, path));
    CHECK(std::filesystem::is_socket(path));
    again.reset();
    CHECK_FALSE(std::filesystem::exists(path));
}
TEST_CASE("a server on a path removes its file when it closes, and another can take its place") { with_path(removed); }

static Task<> stale(std::string path) {
    {
        bind_to(plain_socket(), path);
    } // and died
    CHECK(std::filesystem::is_socket(path));
    auto server = co_await start_unix_server(echo, path);
    co_await round_trip(path, 1000);
}
TEST_CASE("a socket file that nobody listens on is replaced") { with_path(stale); }

static Task<> in_use(std::string path) {
    auto server = co_await start_unix_server(echo, path);
    const std::string what = co_await thrown<std::system_error>(start_unix_server(echo, path));
    CHECK(what == "rouse: cannot listen on " + path + ": Address already in use");
    co_await round_trip(path, 1000);
}
TEST_CASE("a path that somebody listens on is refused, and stays his") { with_path(in_use); }

static Task<> busy(std::string path) {
    const auto listener = plain_socket();
    bind_to(listener, path);
    ::listen(listener.descriptor(), 1);
    std::vector<std::pair<StreamReader, StreamWriter>> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(co_await open_unix_connection(path));
    const std::string what = co_await thrown<std::system_error>(start_unix_server(echo, path));
    CHECK(what == "rouse: cannot listen on " + path + ": Address already in use");
    CHECK(std::filesystem::exists(path));
}
TEST_CASE("a path whose backlog is full is in use") { with_path(busy); }

static Task<> datagrams(std::string path) {
    const auto other = plain_socket(SOCK_DGRAM);
    bind_to(other, path);
    const std::string what = co_await thrown<std::system_error>(start_unix_server(echo, path));
    CHECK(what == "rouse: cannot listen on " + path + ": Address already in use");
    CHECK(std::filesystem::exists(path));
}
TEST_CASE("a path where somebody takes datagrams is in use") { with_path(datagrams); }

static Task<> other_file(std::string path) {
    const auto before = loopback::open_descriptors();
    std::ofstream{path} << "precious";
    const std::string what = co_await thrown<std::system_error>(start_unix_server(echo, path));
    CHECK(what == "rouse: cannot listen on " + path + ", which is no socket: File exists");
    CHECK(std::filesystem::file_size(path) == 8);
    std::filesystem::create_symlink(path + ".none", path + ".link");
    const std::string what_2 = co_await thrown<std::system_error>(start_unix_server(echo, path + ".link"));
    CHECK(what_2 == "rouse: cannot listen on " + path + ".link, which is no socket: File exists");
    CHECK(std::filesystem::is_symlink(path + ".link"));
    CHECK(loopback::open_descriptors() == before);
}
TEST_CASE("a file that is no socket is refused, and stays") { with_path(other_file); }

static Task<> no_directory(std::string path) {
    const std::string what = co_await thrown<std::system_error>(start_unix_server(echo, path + "/socket"));
    CHECK(what == "rouse: cannot listen on " + path + "/socket: No such file or directory");
    const ServerOptions no_backlog{0, 0};
    const std::string usage = co_await thrown<UsageError>(start_unix_server(echo, path, no_backlog));
    CHECK(usage == "rouse: ServerOptions: the backlog must be at least 1");
    CHECK_FALSE(std::filesystem::exists(path));
}
TEST_CASE("listening on a path that cannot be made is an error that names it") { with_path(no_directory); }

static Task<> replaced(std::string path) {
    auto first = co_await start_unix_server(echo, path);
    std::filesystem::remove(path);
    auto second = co_await start_unix_server(echo, path);
    first.close();
    CHECK(std::filesystem::exists(path));
    co_await round_trip(path, 1000);
}
TEST_CASE("a server on a path leaves the file alone if another has taken its place") { with_path(replaced); }

static Task<> serve_until_cancelled(std::string path) {
    auto server = co_await start_unix_server(echo, path);
    co_await sleep(24h);
}
TEST_CASE("a child of fork that ends its copy of a loop does not remove the file of the parent") {
    const loopback::Deadline deadline;
    const Directory directory;
    EpollPort port;
    std::optional<Loop> loop{port};
    loop->create_task(serve_until_cancelled(directory.path()));
    loop->run_until_complete(settle());
    REQUIRE(std::filesystem::exists(directory.path()));
    const auto child = test::in_child([&] {
        loop.reset();
        return true;
    });
    CHECK(child.well());
    CHECK(std::filesystem::exists(directory.path()));
    loop->run_until_complete(round_trip(directory.path(), 1000));
    loop.reset();
    CHECK_FALSE(std::filesystem::exists(directory.path()));
}

static Task<> limited(std::string path) {
    const ServerOptions one_at_a_time{1, 1};
    auto server = co_await start_unix_server(echo, path, one_at_a_time);
    std::vector<TaskHandle<>> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(create_task(round_trip(path, 1000)));
    for (const auto& client : clients) co_await client;
    co_await settle();
    CHECK(server.clients() == 0);
}
TEST_CASE("a server on a path that serves one client at a time serves all in the end") { with_path(limited); }
