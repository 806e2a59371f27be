#include <rouse/io/readable.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/combine/select.hpp>
#include <rouse/combine/wait_for.hpp>
#include <rouse/io/pipe.hpp>
#include <rouse/ports/virtual_time.hpp>

#include "loopback.hpp"
#include "poll_port.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::settle;
using loopback::thrown;

namespace {

// A descriptor to test with; closed when destroyed.
class Plain {
public:
    explicit Plain(int number) : number_{number} {
        if (number < 0) throw std::runtime_error{"no descriptor to test with"};
    }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() { close(); }

    int number() const { return number_; }
    void close() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

private:
    int number_;
};

int pair_of(int (*make)(int*), int& other) {
    int ends[2] = {-1, -1};
    if (make(ends) != 0) return -1;
    other = ends[1];
    return ends[0];
}
int make_sockets(int* ends) { return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends); }
int make_pipe(int* ends) { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

// Two connected descriptors: sockets, or the read end and the write end of a pipe.
struct Pair {
    explicit Pair(int (*make)(int*) = make_sockets) : first{pair_of(make, other_number)}, second{other_number} {}

    int other_number = -1;
    Plain first;
    Plain second;
};

void put(int descriptor, std::string_view bytes) {
    REQUIRE(::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

// Writes until there is no more room.
void fill(int descriptor) {
    const std::string bytes(4096, 'x');
    while (::write(descriptor, bytes.data(), bytes.size()) > 0) {
    }
}

// Reads all there is.
std::size_t drain(int descriptor) {
    std::size_t all = 0;
    char bytes[4096];
    for (ssize_t count; (count = ::read(descriptor, bytes, sizeof bytes)) > 0;) all += static_cast<std::size_t>(count);
    return all;
}

Task<> wait_readable(int descriptor, int& ended) {
    co_await readable(descriptor);
    ++ended;
}
Task<> wait_writable(int descriptor, int& ended) {
    co_await writable(descriptor);
    ++ended;
}

// Whether a wait in a task of its own does not end before `happens` is called, and then does.
template <class F>
Task<bool> ends_by(Task<> (*wait)(int, int&), int descriptor, F happens) {
    int ended = 0;
    const auto waiting = create_task(wait(descriptor, ended));
    co_await settle();
    const bool early = ended != 0;
    happens();
    co_await waiting;
    co_return !early && ended == 1;
}

// The errno and the text with which a wait fails.
Task<std::pair<int, std::string>> failure_of(Task<> wait) {
    try {
        co_await wait;
    } catch (const std::system_error& error) {
        co_return std::pair{error.code().value(), std::string{error.what()}};
    }
    co_return std::pair{0, std::string{}};
}
Task<std::pair<int, std::string>> failure_to_read(int descriptor) {
    int ended = 0;
    auto failure = co_await failure_of(wait_readable(descriptor, ended));
    co_return failure;
}
Task<std::pair<int, std::string>> failure_to_write(int descriptor) {
    int ended = 0;
    auto failure = co_await failure_of(wait_writable(descriptor, ended));
    co_return failure;
}

// Runs a test on the default port, or on a PollPort. It must leave no descriptor open.
void on_default_port(Task<> (*test)()) {
    const auto before = loopback::open_descriptors();
    loopback::bounded(test());
    CHECK(loopback::open_descriptors() == before);
}
void on_poll_port(Task<> (*test)()) {
    const loopback::Deadline deadline;
    test::PollPort port;
    Loop loop{port};
    loop.run(test());
    CHECK(port.waits < 200); // a port that reports a direction over and over would show here
}
void on_both_ports(Task<> (*test)()) {
    SECTION("edge-triggered") { on_default_port(test); }
    SECTION("level-triggered") { on_poll_port(test); }
}

Task<> event_counter() {
    const Plain event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const bool ended = co_await ends_by(wait_readable, event.number(), [&] { ::eventfd_write(event.number(), 1); });
    CHECK(ended);
}

Task<> timer() {
    const Plain timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
    const bool ended = co_await ends_by(wait_readable, timer.number(), [&] {
        itimerspec when{};
        when.it_value.tv_nsec = 1'000'000;
        ::timerfd_settime(timer.number(), 0, &when, nullptr);
    });
    CHECK(ended);
}

Task<> directory_watch() {
    char path[] = "/tmp/rouse-readable-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    const Plain watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    REQUIRE(::inotify_add_watch(watch.number(), path, IN_DELETE_SELF) >= 0);
    const bool ended = co_await ends_by(wait_readable, watch.number(), [&] { ::rmdir(path); });
    CHECK(ended);
}

Task<> signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    {
        const Plain signals{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
        const bool ended = co_await ends_by(wait_readable, signals.number(), [] { ::raise(SIGUSR2); });
        CHECK(ended);
        CHECK(drain(signals.number()) == sizeof(signalfd_siginfo));
    }
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Task<> child_process() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const Plain process{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    const bool ended = co_await ends_by(wait_readable, process.number(), [&] { ::kill(child, SIGKILL); });
    CHECK(ended);
    CHECK(::waitpid(child, nullptr, 0) == child);
}

Task<> room_in_a_pipe() {
    const Pair pipe{make_pipe};
    fill(pipe.second.number());
    const bool ended = co_await ends_by(wait_writable, pipe.second.number(), [&] { drain(pipe.first.number()); });
    CHECK(ended);
}

Task<> one_of_each() {
    const Pair pair;
    fill(pair.first.number());
    int read = 0, written = 0;
    const auto reader = create_task(wait_readable(pair.first.number(), read));
    const auto writer = create_task(wait_writable(pair.first.number(), written));
    co_await settle();
    CHECK(read + written == 0);
    put(pair.second.number(), "x");
    co_await reader;
    CHECK(written == 0);
    drain(pair.second.number());
    co_await writer;
    CHECK(read == 1);
}

// The reader comes and goes while the writer keeps the descriptor watched.
Task<> again_and_again() {
    const Pair pair;
    fill(pair.first.number());
    int written = 0;
    const auto writer = create_task(wait_writable(pair.first.number(), written));
    for (int i = 0; i < 5; ++i) {
        const bool ended =
            co_await ends_by(wait_readable, pair.first.number(), [&] { put(pair.second.number(), "x"); });
        CHECK(ended);
        CHECK(drain(pair.first.number()) == 1);
    }
    CHECK(written == 0);
    drain(pair.second.number());
    co_await writer;
}

// A direction that was reported when no task waited for it is reported again.
Task<> reported_before() {
    const Pair pair;
    int read = 0;
    const auto reader = create_task(wait_readable(pair.first.number(), read));
    co_await settle(); // the descriptor is found writable, too
    fill(pair.first.number());
    const bool ended = co_await ends_by(wait_writable, pair.first.number(), [&] { drain(pair.second.number()); });
    CHECK(ended);
    CHECK(read == 0);
    put(pair.second.number(), "x");
    co_await reader;
}

Task<> ends_of_others() {
    Pair no_writer{make_pipe};
    bool ended = co_await ends_by(wait_readable, no_writer.first.number(), [&] { no_writer.second.close(); });
    CHECK(ended);
    CHECK(drain(no_writer.first.number()) == 0);
    Pair no_reader{make_pipe};
    fill(no_reader.second.number());
    ended = co_await ends_by(wait_writable, no_reader.second.number(), [&] { no_reader.first.close(); });
    CHECK(ended);
    Pair hung_up;
    ended = co_await ends_by(wait_readable, hung_up.first.number(), [&] { hung_up.second.close(); });
    CHECK(ended);
    co_await readable(hung_up.first.number()); // the end stays
}

Task<> refuse_second() {
    const Pair pair;
    fill(pair.first.number());
    int ended = 0;
    const auto reader = create_task(wait_readable(pair.first.number(), ended));
    const auto writer = create_task(wait_writable(pair.first.number(), ended));
    co_await settle();
    const auto second_reader = co_await thrown<UsageError>(wait_readable(pair.first.number(), ended));
    CHECK(second_reader == "rouse: readable: another task waits until the descriptor is readable; one at a time may");
    const auto second_writer = co_await thrown<UsageError>(wait_writable(pair.first.number(), ended));
    CHECK(second_writer == "rouse: writable: another task waits until the descriptor is writable; one at a time may");
    CHECK_FALSE(reader.done());
    put(pair.second.number(), "x");
    drain(pair.second.number());
    co_await reader;
    co_await writer;
    CHECK(ended == 2);
}

Task<> cancelled() {
    const Pair pair;
    int ended = 0;
    const auto reader = create_task(wait_readable(pair.first.number(), ended));
    co_await settle();
    reader.cancel();
    const bool by_the_next =
        co_await ends_by(wait_readable, pair.first.number(), [&] { put(pair.second.number(), "x"); });
    CHECK(by_the_next);
    CHECK(reader.cancelled());
    CHECK(ended == 0);

    // Woken and cancelled in the same turn: the cancellation wins, and the byte is still there.
    CHECK(drain(pair.first.number()) == 1);
    const auto woken = create_task(wait_readable(pair.first.number(), ended));
    co_await settle();
    put(pair.second.number(), "y");
    woken.cancel();
    co_await settle();
    CHECK(woken.cancelled());
    co_await readable(pair.first.number());
    CHECK(drain(pair.first.number()) == 1);
}

Task<> in_a_race() {
    const Pair pair;
    const auto late = co_await try_wait_for(readable(pair.first.number()), 1ms);
    CHECK(late.timed_out());
    put(pair.second.number(), "x");
    const auto at_once = co_await try_wait_for(readable(pair.first.number()), 0s);
    CHECK(at_once.has_value());
    drain(pair.first.number());
    const auto first = co_await select(readable(pair.first.number()), sleep(1ms));
    CHECK(first.index() == 1);
    put(pair.second.number(), "x");
    const auto second = co_await select(readable(pair.first.number()), sleep(0s));
    CHECK(second.index() == 0);
    const auto third = co_await select(sleep(1h), readable(pair.first.number()));
    CHECK(third.index() == 1);
}

Task<> until_it_is_read() {
    const Pair pair;
    put(pair.second.number(), "xy");
    int others = 0;
    const auto other = create_task(wait_writable(pair.second.number(), others));
    co_await readable(pair.first.number());
    char byte;
    CHECK(::read(pair.first.number(), &byte, 1) == 1);
    co_await readable(pair.first.number());
    CHECK(others == 0); // it continued at once
    CHECK(drain(pair.first.number()) == 1);
    co_await other;
}

Task<> always_ready() {
    const Pair pair;
    put(pair.second.number(), "x");
    bool ran = false;
    const auto other = create_task([](bool& flag) -> Task<> {
        flag = true;
        co_return;
    }(ran));
    int turns = 0;
    for (; !ran && turns < 1000; ++turns) co_await readable(pair.first.number());
    CHECK(ran);
    CHECK(turns > 1);
    co_await other;
}

Task<> not_watched_afterwards() {
    Pair pipe{make_pipe};
    put(pipe.second.number(), "x\n");
    co_await readable(pipe.first.number());
    auto reader = open_pipe_reader(::dup(pipe.first.number()));
    auto line = co_await reader.readline();
    CHECK(line == "x\n");
    const int number = pipe.first.number();
    pipe.first.close();
    Pair next; // has the number again
    CHECK(next.first.number() == number);
    const bool ended = co_await ends_by(wait_readable, number, [&] { put(next.second.number(), "x"); });
    CHECK(ended);
}

Task<> watched_by_a_stream() {
    auto c = co_await loopback::connect();
    int number = -1; // of the stream's descriptor
    for (int i = 3; i < 64 && number < 0; ++i) {
        if (i != c.peer.descriptor() && Address::of_socket(i).size() > 0 &&
            Address::of_socket(i).port() == c.writer.local().port())
            number = i;
    }
    REQUIRE(number >= 0);
    int ended = 0;
    const auto reading = co_await thrown<UsageError>(wait_readable(number, ended));
    CHECK(reading ==
          "rouse: readable: a stream, server or socket of this loop watches the descriptor; wait in that object, or "
          "for a duplicate made by dup(2)");
    const auto writing = co_await thrown<UsageError>(wait_writable(number, ended));
    CHECK(test::contains(writing, "rouse: writable: a stream"));
    const Plain duplicate{::dup(number)};
    const bool ended_by = co_await ends_by(wait_readable, duplicate.number(), [&] { c.peer.send("hello\n"); });
    CHECK(ended_by);
    const auto line = co_await c.reader.readline();
    CHECK(line == "hello\n");
}

Task<> errors() {
    std::FILE* const file = std::tmpfile();
    const int number = ::fileno(file);
    auto [error, text] = co_await failure_to_read(number);
    const std::string name = "descriptor " + std::to_string(number);
    CHECK(error == EPERM);
    CHECK(test::contains(text, "rouse: cannot wait until " + name +
                                   " is readable, as it always is, like every regular file; read it without waiting"));
    std::tie(error, text) = co_await failure_to_write(number);
    CHECK(error == EPERM);
    CHECK(test::contains(text, "; write to it without waiting"));
    std::fclose(file);
    std::tie(error, text) = co_await failure_to_read(number);
    CHECK(error == EBADF);
    CHECK(test::contains(text, name + " is readable, as it is closed or open for writing only"));
    std::tie(error, text) = co_await failure_to_write(-1);
    CHECK(error == EBADF);
    CHECK(test::contains(text, "descriptor -1 is writable, as it is closed or open for reading only"));

    const Plain directory{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    std::tie(error, text) = co_await failure_to_read(directory.number());
    CHECK(error == EPERM);

    const Pair pipe{make_pipe};
    std::tie(error, text) = co_await failure_to_read(pipe.second.number());
    CHECK(error == EBADF);
    std::tie(error, text) = co_await failure_to_write(pipe.first.number());
    CHECK(error == EBADF);
    const bool ended = co_await ends_by(wait_readable, pipe.first.number(), [&] { put(pipe.second.number(), "x"); });
    CHECK(ended); // the errors have left nothing
}

} // namespace

TEST_CASE("readable waits for descriptors of every kind") {
    SECTION("an eventfd") { on_default_port(event_counter); }
    SECTION("an eventfd, level-triggered") { on_poll_port(event_counter); }
    SECTION("a timerfd") { on_default_port(timer); }
    SECTION("a timerfd, level-triggered") { on_poll_port(timer); }
    SECTION("inotify") { on_default_port(directory_watch); }
    SECTION("inotify, level-triggered") { on_poll_port(directory_watch); }
    SECTION("a signalfd") { on_default_port(signals); }
    SECTION("a signalfd, level-triggered") { on_poll_port(signals); }
    SECTION("a pidfd") { on_default_port(child_process); }
    SECTION("a pidfd, level-triggered") { on_poll_port(child_process); }
}

TEST_CASE("writable waits until there is room") { on_both_ports(room_in_a_pipe); }

TEST_CASE("a reader and a writer wait for one descriptor, and each is woken by what concerns it") {
    on_both_ports(one_of_each);
}

TEST_CASE("a reader can wait again and again while a writer waits for the same descriptor") {
    on_both_ports(again_and_again);
}

TEST_CASE("a direction that was reported before a task waited for it is reported again") {
    on_both_ports(reported_before);
}

TEST_CASE("readable and writable end when the other end is closed") { on_both_ports(ends_of_others); }

TEST_CASE("a second reader or writer of a descriptor is bad use, and leaves the first alone") {
    on_both_ports(refuse_second);
}

TEST_CASE("a cancelled wait for a descriptor takes nothing, and the next may begin at once") {
    on_both_ports(cancelled);
}

TEST_CASE("readable can time out, and lose and win in select") { on_both_ports(in_a_race); }

TEST_CASE("a descriptor stays readable until it is read, and a wait for it continues at once") {
    on_both_ports(until_it_is_read);
}

TEST_CASE("a descriptor that is always ready does not starve the other tasks") { on_both_ports(always_ready); }

TEST_CASE("after a wait the descriptor is not watched, so it can be closed, and its number used again") {
    on_both_ports(not_watched_afterwards);
}

TEST_CASE("readable of a descriptor that a stream watches is bad use; a duplicate can be waited for") {
    on_default_port(watched_by_a_stream);
}

TEST_CASE("what cannot be waited for is an error that names the descriptor") { on_both_ports(errors); }

TEST_CASE("readable on a port that cannot watch descriptors is bad use") {
    VirtualTimePort port;
    Loop loop{port};
    loop.run([]() -> Task<> {
        int ended = 0;
        const auto text = co_await thrown<UsageError>(wait_readable(0, ended));
        CHECK(text ==
              "rouse: readable: the port of this loop cannot watch descriptors; use DefaultPort, as run() does");
    }());
}

TEST_CASE("tasks that wait for descriptors when their loop ends leave nothing watched") {
    const auto before = loopback::open_descriptors();
    const Pair pair;
    int ended = 0;
    {
        DefaultPort port;
        Loop loop{port};
        loop.create_task(wait_readable(pair.first.number(), ended));
        loop.create_task(wait_writable(pair.first.number(), ended));
        loop.poll();
    }
    loopback::bounded([](int number) -> Task<> {
        create_task([](int descriptor) -> Task<> { co_await readable(descriptor); }(number));
        co_await settle();
    }(pair.first.number()));
    CHECK(ended == 1);
    CHECK(loopback::open_descriptors() == before + 2);
}

TEST_CASE("two loops can wait for one descriptor") {
    const loopback::Deadline deadline;
    const Pair pair;
    int ended = 0;
    DefaultPort port, other_port;
    Loop loop{port};
    Loop other{other_port};
    const auto first = loop.create_task(wait_readable(pair.first.number(), ended));
    const auto second = other.create_task(wait_readable(pair.first.number(), ended));
    loop.poll();
    other.poll();
    CHECK(ended == 0);
    put(pair.second.number(), "x");
    while (!first.done()) loop.poll();
    while (!second.done()) other.poll();
    CHECK(ended == 2);
}
