#include <rouse/io/pipe.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/combine/wait_for.hpp>

#include "loopback.hpp"
#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::Deadline;
using loopback::pattern;
using loopback::settle;
using loopback::thrown;

// A pipe; the ends that are left are closed.
struct Pipe {
    explicit Pipe(int flags = 0) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | flags) != 0) throw std::runtime_error{"no pipe"};
        out = ends[0];
        in = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(out);
        close(in);
    }
    static void close(int& end) {
        if (end >= 0) ::close(std::exchange(end, -1));
    }
    StreamReader reader() { return open_pipe_reader(std::exchange(out, -1)); }
    StreamWriter writer() { return open_pipe_writer(std::exchange(in, -1)); }

    int out = -1;
    int in = -1;
};

static void put(int descriptor, std::string_view bytes) {
    REQUIRE(::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

static bool waits(int descriptor) { return (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0; }

template <class... Arguments>
static void bounded(Task<> (*test)(Arguments...), Arguments... arguments) {
    const Deadline deadline;
    const auto before = loopback::open_descriptors();
    run(test(arguments...));
    CHECK(loopback::open_descriptors() == before);
}

// The error of a task that throws std::system_error; none if it does not.
static Task<std::error_code> error_of(Task<> task) {
    try {
        co_await task;
    } catch (const std::system_error& error) {
        co_return error.code();
    }
    co_return std::error_code{};
}

static std::string refusal(StreamReader (*open)(int), int descriptor) {
    std::string text;
    run([](StreamReader (*function)(int), int number, std::string& said) -> Task<> {
        try {
            const StreamReader reader = function(number);
        } catch (const std::system_error& error) {
            said = error.what();
        }
        co_return;
    }(open, descriptor, text));
    return text;
}

// ---- both ends ------------------------------------------------------------------------------------------------------

static Task<> line_through(int flags) {
    Pipe pipe{flags};
    StreamReader reader = pipe.reader();
    StreamWriter writer = pipe.writer();
    writer.write("one\ntwo");
    const std::string line = co_await reader.readline();
    CHECK(line == "one\n");
    writer.close();
    const std::string rest = co_await reader.read();
    CHECK(rest == "two");
    CHECK(reader.at_eof());
}
TEST_CASE("what is written to a pipe is read from it, and closing it is the end") {
    bounded(line_through, 0);
    bounded(line_through, O_NONBLOCK);
}

static Task<> end_by_write_eof() {
    Pipe pipe;
    StreamReader reader = pipe.reader();
    StreamWriter writer = pipe.writer();
    writer.write("all");
    writer.write_eof();
    const std::string all = co_await reader.read();
    CHECK(all == "all");
    co_await writer.wait_closed();
}
TEST_CASE("write_eof on a pipe is the end for its reader") { bounded(end_by_write_eof); }

static Task<> read_waits() {
    Pipe pipe;
    StreamReader reader = pipe.reader();
    const auto line = create_task(reader.readline());
    co_await settle();
    CHECK_FALSE(line.done());
    put(pipe.in, "late\n");
    const std::string got = co_await line;
    CHECK(got == "late\n");
    const auto rest = create_task(reader.read());
    co_await settle();
    CHECK_FALSE(rest.done());
    Pipe::close(pipe.in);
    const std::string nothing = co_await rest;
    CHECK(nothing.empty());
}
TEST_CASE("a read from a pipe waits, for bytes and for the end") { bounded(read_waits); }

static Task<> end_before_it_is_opened(bool bytes, int flags) {
    Pipe pipe{flags};
    if (bytes) put(pipe.in, "left behind");
    Pipe::close(pipe.in);
    StreamReader reader = pipe.reader();
    const std::string all = co_await reader.read();
    CHECK(all == (bytes ? "left behind" : ""));
}
TEST_CASE("a pipe whose writer has gone before gives what is left, then the end") {
    for (const int flags : {0, O_NONBLOCK}) {
        bounded(end_before_it_is_opened, true, flags);
        bounded(end_before_it_is_opened, false, flags);
    }
}

static Task<> copy(StreamReader from, StreamWriter to, std::size_t most) {
    for (;;) {
        const std::string part = co_await from.read(most);
        if (part.empty()) break;
        to.write(part);
        co_await to.drain();
    }
    to.close();
    co_await to.wait_closed();
}

static Task<> write_in_pieces(StreamWriter writer, const std::string& bytes, std::size_t& highest) {
    std::size_t size = 1;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        size = size * 7 % 50'021 + 1;
        writer.write(std::string_view{bytes}.substr(at, size));
        highest = std::max(highest, writer.unsent());
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

static Task<> big_transfer(int flags) {
    const std::string all = pattern(20'000'000);
    std::size_t highest = 0;
    Pipe first{flags};
    Pipe second{flags};
    const auto writing = create_task(write_in_pieces(first.writer(), all, highest));
    const auto copying = create_task(copy(first.reader(), second.writer(), 10'007));
    StreamReader reader = second.reader();
    const std::string got = co_await reader.read();
    CHECK((got == all));
    co_await writing;
    co_await copying;
    CHECK(highest > 64 * 1024);
    CHECK(highest <= 64 * 1024 + 50'021);
}
TEST_CASE("a big transfer through two pipes arrives whole, and a writer is held back") {
    bounded(big_transfer, 0);
    bounded(big_transfer, O_NONBLOCK);
}

static Task<> cancelled_read() {
    Pipe pipe;
    StreamReader reader = pipe.reader();
    const auto line = create_task(reader.readline());
    co_await settle();
    put(pipe.in, "half a ");
    co_await settle();
    line.cancel();
    const auto outcome = co_await line.outcome();
    CHECK(outcome.cancelled());
    put(pipe.in, "line\n");
    const std::string whole = co_await reader.readline();
    CHECK(whole == "half a line\n");
    const auto late = co_await try_wait_for(reader.read(1), 5ms);
    CHECK(late.timed_out());
}
TEST_CASE("a read from a pipe that is cancelled loses nothing") { bounded(cancelled_read); }

static Task<> fifo() {
    char folder[] = "/tmp/rouse-pipe-XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string path = std::string{folder} + "/fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    StreamReader reader = open_pipe_reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto line = create_task(reader.readline());
    co_await settle();
    CHECK_FALSE(line.done()); // no writer has come yet, which is not the end
    StreamWriter writer = open_pipe_writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    writer.write("here\n");
    const std::string got = co_await line;
    CHECK(got == "here\n");
    ::unlink(path.c_str());
    ::rmdir(folder);
}
TEST_CASE("a FIFO is a pipe, and may be opened before its writer comes") { bounded(fifo); }

// ---- nobody reads ---------------------------------------------------------------------------------------------------

static volatile std::sig_atomic_t sigpipes = 0;

static Task<> reader_has_gone(int flags) {
    struct sigaction counting{};
    struct sigaction before{};
    counting.sa_handler = [](int) { sigpipes = sigpipes + 1; };
    ::sigaction(SIGPIPE, &counting, &before);
    sigpipes = 0;
    Pipe pipe{flags};
    StreamWriter writer = pipe.writer();
    writer.write("taken by the system");
    Pipe::close(pipe.out);
    writer.write("not taken");
    const std::error_code error = co_await error_of(writer.drain());
    CHECK(error == std::error_code{EPIPE, std::system_category()});
    const std::string what = co_await thrown<std::system_error>(writer.drain());
    CHECK(what.find("rouse: cannot write to descriptor ") == 0);
    sigset_t pending{};
    ::sigpending(&pending);
    CHECK(::sigismember(&pending, SIGPIPE) == 0);
    CHECK(sigpipes == 0);
    ::sigaction(SIGPIPE, &before, nullptr);
}
TEST_CASE("a pipe that nobody reads from any more is EPIPE at drain, and no signal") {
    bounded(reader_has_gone, 0);
    bounded(reader_has_gone, O_NONBLOCK);
}

static Task<> reader_goes_while_it_waits() {
    Pipe pipe;
    StreamWriter writer = pipe.writer();
    writer.write(std::string(1'000'000, 'x'));
    const auto draining = create_task(error_of(writer.drain()));
    co_await settle();
    CHECK_FALSE(draining.done());
    Pipe::close(pipe.out);
    const std::error_code error = co_await draining;
    CHECK(error == std::error_code{EPIPE, std::system_category()});
}
TEST_CASE("a writer that is held back is told that the reader has gone") { bounded(reader_goes_while_it_waits); }

static Task<> epipe_at_drain() {
    Pipe pipe;
    StreamWriter writer = pipe.writer();
    Pipe::close(pipe.out);
    writer.write("not taken");
    const std::error_code error = co_await error_of(writer.drain());
    CHECK(error == std::error_code{EPIPE, std::system_category()});
}
TEST_CASE("a SIGPIPE that the program keeps pending is left alone") {
    sigset_t sigpipe{};
    sigset_t before{};
    ::sigemptyset(&sigpipe);
    ::sigaddset(&sigpipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    ::raise(SIGPIPE);
    bounded(epipe_at_drain);
    sigset_t pending{};
    ::sigpending(&pending);
    CHECK(::sigismember(&pending, SIGPIPE) == 1);
    const timespec no_time{};
    CHECK(::sigtimedwait(&sigpipe, nullptr, &no_time) == SIGPIPE);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// ---- whose flags they are -------------------------------------------------------------------------------------------

static Task<> flags_untouched() {
    Pipe pipe;
    const int shared_out = ::dup(pipe.out);
    const int shared_in = ::dup(pipe.in);
    {
        StreamReader reader = pipe.reader();
        StreamWriter writer = pipe.writer();
        CHECK(waits(shared_out));
        CHECK(waits(shared_in));
        writer.write("x");
        const std::string got = co_await reader.read(1);
        CHECK(got == "x");
        CHECK(waits(shared_out));
        CHECK(waits(shared_in));
    }
    CHECK(waits(shared_out));
    CHECK(waits(shared_in));
    ::close(shared_out);
    ::close(shared_in);
}
TEST_CASE("others that share a pipe find its flags as they were") { bounded(flags_untouched); }

// Whether this system has pseudo-terminals: a container may come without /dev/pts.
static bool terminal_to_be_had() {
    const int keyboard = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    const bool had = keyboard >= 0 && ::grantpt(keyboard) == 0 && ::ptsname_r(keyboard, name, sizeof name) == 0 &&
                     ::access(name, R_OK | W_OK) == 0;
    if (keyboard >= 0) ::close(keyboard);
    if (!had) WARN("skipped: there are no pseudo-terminals here");
    return had;
}

// A terminal: what is done on its other side is like typing.
struct Terminal {
    int keyboard = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int side = -1;
    Terminal() {
        char name[64];
        if (::grantpt(keyboard) != 0 || ::unlockpt(keyboard) != 0 || ::ptsname_r(keyboard, name, sizeof name) != 0)
            throw std::runtime_error{"no terminal"};
        side = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        for (const int each : {keyboard, side}) {
            if (each >= 0) ::close(each);
        }
    }
};

static Task<> terminal_both_ways() {
    const Terminal terminal;
    StreamReader reader = open_pipe_reader(::dup(terminal.side));
    StreamWriter writer = open_pipe_writer(::dup(terminal.side));
    StreamReader screen = open_pipe_reader(::dup(terminal.keyboard)); // cannot be opened a second time
    CHECK(waits(terminal.side));
    CHECK(waits(terminal.keyboard));
    put(terminal.keyboard, "one\ntwo\n");
    const std::string echoed = co_await screen.readexactly(10);
    CHECK(echoed == "one\r\ntwo\r\n");
    const std::string one = co_await reader.readline();
    const std::string two = co_await reader.readline(); // a read gives one line at a time
    CHECK(one == "one\n");
    CHECK(two == "two\n");
    writer.write("shown\n");
    const std::string shown = co_await screen.readline();
    CHECK(shown == "shown\r\n");
    const auto late = co_await try_wait_for(screen.read(1), 5ms);
    CHECK(late.timed_out());
    put(terminal.keyboard, "\x04"); // Ctrl-D
    const std::string end = co_await reader.read();
    CHECK(end.empty());
}
TEST_CASE("a terminal gives its lines, and is shared with whoever waits in it") {
    if (terminal_to_be_had()) bounded(terminal_both_ways);
}

// The last bytes and the end that one side finds when the other side has closed, before or while it reads.
static Task<> terminal_closes(bool keyboard_reads, bool reads_before) {
    Terminal terminal;
    int& closing = keyboard_reads ? terminal.side : terminal.keyboard;
    StreamReader reader = open_pipe_reader(::dup(keyboard_reads ? terminal.keyboard : terminal.side));
    if (!keyboard_reads) ::close(std::exchange(terminal.side, -1));
    if (!reads_before) {
        put(closing, "last\n");
        ::close(std::exchange(closing, -1));
    }
    auto reading = create_task(reader.read());
    co_await settle();
    if (reads_before) {
        put(closing, "last\n");
        co_await settle();
        ::close(std::exchange(closing, -1));
    }
    const std::string all = co_await reading;
    if (keyboard_reads) CHECK(all == "last\r\n");
    if (!keyboard_reads && reads_before) CHECK(all == "last\n"); // else the system has dropped it
    CHECK(reader.at_eof());
    const std::string after = co_await reader.readline();
    CHECK(after.empty());
}
TEST_CASE("a terminal whose other side has closed gives what is left, then the end") {
    if (!terminal_to_be_had()) return;
    for (const bool keyboard_reads : {true, false}) {
        bounded(terminal_closes, keyboard_reads, true);
        bounded(terminal_closes, keyboard_reads, false);
    }
}

static Task<> write_after_close() {
    Terminal terminal;
    StreamWriter writer = open_pipe_writer(::dup(terminal.side));
    ::close(std::exchange(terminal.keyboard, -1));
    writer.write("lost");
    const std::error_code error = co_await error_of(writer.drain());
    CHECK(error == std::errc::io_error);
}
TEST_CASE("writing to a terminal whose other side has closed is an error") {
    if (terminal_to_be_had()) bounded(write_after_close);
}

static Task<> blocking_descriptor() {
    const Terminal terminal;
    StreamWriter keyboard = open_pipe_writer(::dup(terminal.keyboard));
    StreamReader reader = open_pipe_reader(::dup(terminal.side));
    for (int i = 0; i < 200; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        keyboard.write(line);
        co_await keyboard.drain();
        const std::string got = co_await reader.readline();
        CHECK(got == line);
        char echo[100];
        CHECK(::read(terminal.keyboard, echo, line.size() + 1) > 0);
    }
}
TEST_CASE("a descriptor that has to stay blocking goes line by line in both directions") {
    if (terminal_to_be_had()) bounded(blocking_descriptor);
}

// ---- other descriptors ----------------------------------------------------------------------------------------------

static Task<> regular_file() {
    char path[] = "/tmp/rouse-file-XXXXXX";
    const int file = ::mkostemp(path, O_CLOEXEC);
    const std::string all = pattern(5'000'000);
    {
        StreamWriter writer = open_pipe_writer(::dup(file));
        writer.write(all);
        co_await writer.drain();
        writer.close();
        co_await writer.wait_closed();
    }
    ::lseek(file, 0, SEEK_SET);
    StreamReader reader = open_pipe_reader(file);
    int turns = 0;
    const auto other = create_task([](int& count) -> Task<> {
        for (;; ++count) co_await yield();
    }(turns));
    const std::string start = co_await reader.readexactly(10);
    const std::string rest = co_await reader.read();
    other.cancel();
    CHECK((start + rest == all));
    CHECK(turns > 0); // a file is always ready, but the other tasks get their turns
    ::unlink(path);
}
TEST_CASE("a regular file is always ready, and the other tasks run meanwhile") { bounded(regular_file); }

static Task<> dev_null() {
    StreamReader reader = open_pipe_reader(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::string nothing = co_await reader.read();
    CHECK(nothing.empty());
    StreamWriter writer = open_pipe_writer(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    writer.write(std::string(1'000'000, 'x'));
    CHECK(writer.unsent() == 0);
    StreamWriter full = open_pipe_writer(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    full.write("x");
    const std::error_code error = co_await error_of(full.drain());
    CHECK(error == std::error_code{ENOSPC, std::system_category()});
}
TEST_CASE("/dev/null is the end at once, and takes everything; /dev/full takes nothing") { bounded(dev_null); }

static Task<> inherited_socket() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const loopback::Plain peer{ends[0]};
    StreamReader reader = open_pipe_reader(::dup(ends[1]));
    StreamWriter writer = open_pipe_writer(ends[1]);
    const auto late = co_await try_wait_for(reader.read(1), 5ms);
    CHECK(late.timed_out()); // although the descriptor is a blocking one
    peer.send("ping");
    const std::string got = co_await reader.read(100);
    CHECK(got == "ping");
    writer.write(pattern(1'000'000));
    CHECK(writer.unsent() > 0);
    std::string taken;
    while (taken.size() < 1'000'000) {
        taken += peer.take();
        co_await yield();
    }
    CHECK((taken == pattern(1'000'000)));
    writer.write_eof(); // one half only
    peer.send("pong");
    const std::string again = co_await reader.read(100);
    CHECK(again == "pong");
    bool end = false;
    peer.take(&end);
    CHECK(end);
}
TEST_CASE("a stream socket that was inherited, and blocks, works in both directions") { bounded(inherited_socket); }

TEST_CASE("a direction that a descriptor is not open for is refused, and it stays the caller's") {
    Pipe pipe;
    const std::string number = std::to_string(pipe.in);
    CHECK(refusal(&open_pipe_reader, pipe.in) ==
          "rouse: cannot read from descriptor " + number + ", which is open for writing only: Bad file descriptor");
    std::string text;
    run([](int descriptor, std::string& said) -> Task<> {
        try {
            const StreamWriter writer = open_pipe_writer(descriptor);
        } catch (const std::system_error& error) {
            said = error.what();
        }
        co_return;
    }(pipe.out, text));
    CHECK(text.find(", which is open for reading only") != std::string::npos);
    CHECK(refusal(&open_pipe_reader, -1) == "rouse: cannot read from descriptor -1: Bad file descriptor");
    CHECK(refusal(&open_pipe_reader, 9999) == "rouse: cannot read from descriptor 9999: Bad file descriptor");
    put(pipe.in, "x"); // both are still open
    char byte = 0;
    CHECK(::read(pipe.out, &byte, 1) == 1);
}

static Task<> option_of_a_pipe() {
    Pipe pipe;
    StreamWriter writer = pipe.writer();
    std::string said;
    try {
        writer.set_nodelay(true);
    } catch (const std::system_error& error) {
        said = error.what();
    }
    CHECK(said.find("rouse: cannot set an option of the descriptor ") == 0);
    co_return;
}
TEST_CASE("an option of TCP is refused for a pipe") { bounded(option_of_a_pipe); }

// ---- standard input and output --------------------------------------------------------------------------------------

static Task<> cat() { co_await copy(standard_input(), standard_output(), 4096); }

// Runs cat() in a child with these descriptors as 0 and 1. It ends with an errno, or with 200 if their flags change.
static pid_t start_cat(int in, int out) {
    const std::pair before{::fcntl(in, F_GETFL), ::fcntl(out, F_GETFL)};
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(in, 0);
        ::dup2(out, 1);
        ::close_range(3, ~0U, 0);
        int status = 0;
        try {
            run(cat());
        } catch (const std::system_error& error) {
            status = error.code().value();
        }
        const std::pair after{::fcntl(0, F_GETFL), ::fcntl(1, F_GETFL)};
        ::_exit(after == before ? status : 200);
    }
    return child;
}
static int status_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static std::string read_to_end(int descriptor) {
    std::string all;
    char part[65536];
    for (ssize_t n; (n = ::read(descriptor, part, sizeof part)) > 0;) all.append(part, static_cast<std::size_t>(n));
    return all;
}

TEST_CASE("standard input and output: a child copies a pipe, a file, and nothing") {
    const Deadline deadline;
    const std::string all = pattern(3'000'000);
    char path[] = "/tmp/rouse-input-XXXXXX";
    const int file = ::mkostemp(path, O_CLOEXEC);
    put(file, all);
    const bool non_blocking = GENERATE(false, true); // by somebody else, who may change it again
    SECTION("a pipe") {
        Pipe from;
        Pipe to;
        if (non_blocking) {
            ::fcntl(from.out, F_SETFL, O_NONBLOCK);
            ::fcntl(to.in, F_SETFL, O_WRONLY | O_NONBLOCK);
        }
        const pid_t child = start_cat(from.out, to.in);
        Pipe::close(from.out);
        Pipe::close(to.in);
        const pid_t writer = ::fork();
        if (writer == 0) ::_exit(::write(from.in, all.data(), all.size()) == static_cast<ssize_t>(all.size()) ? 0 : 1);
        Pipe::close(from.in);
        CHECK((read_to_end(to.out) == all));
        CHECK(status_of(writer) == 0);
        CHECK(status_of(child) == 0);
    }
    SECTION("a file") {
        Pipe to;
        ::lseek(file, 0, SEEK_SET);
        const pid_t child = start_cat(file, to.in);
        Pipe::close(to.in);
        CHECK((read_to_end(to.out) == all));
        CHECK(status_of(child) == 0);
    }
    SECTION("a file into a file") {
        char other[] = "/tmp/rouse-output-XXXXXX";
        const int to = ::mkostemp(other, O_CLOEXEC);
        ::lseek(file, 0, SEEK_SET);
        CHECK(status_of(start_cat(file, to)) == 0);
        ::lseek(to, 0, SEEK_SET);
        CHECK((read_to_end(to) == all));
        ::close(to);
        ::unlink(other);
    }
    SECTION("nothing") {
        Pipe to;
        const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        const pid_t child = start_cat(null, to.in);
        Pipe::close(to.in);
        CHECK(read_to_end(to.out).empty());
        CHECK(status_of(child) == 0);
        ::close(null);
    }
    SECTION("a reader that goes away") {
        Pipe to;
        ::lseek(file, 0, SEEK_SET);
        const pid_t child = start_cat(file, to.in);
        Pipe::close(to.in);
        Pipe::close(to.out);
        CHECK(status_of(child) == EPIPE); // and not killed by SIGPIPE
    }
    ::close(file);
    ::unlink(path);
}

static Task<> complain() {
    StreamWriter writer = standard_error();
    writer.write("a complaint");
    writer.close();
    co_await writer.wait_closed();
}
TEST_CASE("standard error is a stream, too, and stays open") {
    const Deadline deadline;
    Pipe to;
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(to.in, 2);
        run(complain());
        ::_exit(::write(2, ", twice", 7) == 7 ? 0 : 1);
    }
    Pipe::close(to.in);
    CHECK(read_to_end(to.out) == "a complaint, twice");
    CHECK(status_of(child) == 0);
}
