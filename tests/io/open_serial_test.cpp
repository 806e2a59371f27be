#include <rouse/io/open_serial.hpp>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <rouse/combine/wait_for.hpp>
#include <rouse/io/readable.hpp>

#include "loopback.hpp"
#include "poll_port.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"

using namespace rouse;
using namespace std::chrono_literals;
using loopback::settle;
using loopback::thrown;

namespace {

// The device at the other end of a serial line: the other side of a pseudo-terminal.
class Device {
public:
    Device() : side_{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)} {
        if (side_ < 0 || ::grantpt(side_) != 0 || ::unlockpt(side_) != 0)
            throw std::runtime_error{"no pseudo-terminal to test with"};
        path_ = ::ptsname(side_);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device() { remove(); }

    const std::string& path() const { return path_; }
    void send(std::string_view bytes) const {
        REQUIRE(::write(side_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    // Receives this many bytes.
    Task<std::string> receive(std::size_t size) const {
        std::string all;
        while (all.size() < size) {
            co_await readable(side_);
            char bytes[256];
            const ssize_t count = ::read(side_, bytes, sizeof bytes);
            if (count > 0) all.append(bytes, static_cast<std::size_t>(count));
        }
        co_return all;
    }
    termios settings() const {
        termios all{};
        REQUIRE(::tcgetattr(side_, &all) == 0); // those of the line, which both sides share
        return all;
    }
    void remove() {
        if (side_ >= 0) ::close(std::exchange(side_, -1));
    }

private:
    int side_;
    std::string path_;
};

Task<std::pair<int, std::string>> failure_to_open(std::string path, unsigned long baud) {
    try {
        static_cast<void>(co_await open_serial(path, baud));
    } catch (const std::system_error& error) {
        co_return std::pair{error.code().value(), std::string{error.what()}};
    }
    co_return std::pair{0, std::string{}};
}

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes;
}

Task<> both_ways() {
    const Device device;
    auto [reader, writer] = co_await open_serial(device.path(), 115200);
    const std::string sent = all_bytes();
    writer.write(sent);
    const std::string there = co_await device.receive(sent.size());
    CHECK(there == sent);
    device.send(sent);
    const std::string here = co_await reader.readexactly(sent.size());
    CHECK(here == sent);
    const auto nothing = co_await try_wait_for(reader.read(1), 5ms);
    CHECK(nothing.timed_out()); // there is no echo
    CHECK(writer.peer().text() == device.path());
    device.send("half");
    co_await settle();
    device.send(" a line\nrest");
    const std::string line = co_await reader.readline();
    CHECK(line == "half a line\n");
}

Task<> much() {
    const Device device;
    auto [reader, writer] = co_await open_serial(device.path(), 4'000'000);
    const std::string sent = loopback::pattern(200'000);
    auto received = create_task(device.receive(sent.size()));
    writer.write(sent);
    co_await writer.drain();
    const std::string there = co_await received;
    CHECK(there == sent);
}

Task<> set_up() {
    const Device device;
    using Rate = std::pair<unsigned long, speed_t>;
    for (const auto& [baud, speed] : {Rate{9600, B9600}, Rate{921600, B921600}}) {
        auto [reader, writer] = co_await open_serial(device.path(), baud);
        const termios all = device.settings();
        CHECK(::cfgetispeed(&all) == speed);
        CHECK(::cfgetospeed(&all) == speed);
        CHECK((all.c_lflag & (ICANON | ECHO | ISIG)) == 0);
        CHECK((all.c_cflag & (CSIZE | PARENB | CSTOPB | CLOCAL | CREAD)) == (CS8 | CLOCAL | CREAD));
        CHECK((all.c_iflag & (IXON | ICRNL)) == 0);
        CHECK((all.c_oflag & OPOST) == 0);
    }
}

Task<> unplugged() {
    Device device;
    auto [reader, writer] = co_await open_serial(device.path(), 9600);
    device.send("last");
    auto reading = create_task(reader.read());
    co_await settle();
    device.remove();
    const std::string last = co_await reading;
    CHECK(last == "last");
    CHECK(reader.at_eof());
    writer.write("x");
    int error = 0;
    try {
        co_await writer.drain();
    } catch (const std::system_error& failure) {
        error = failure.code().value();
        CHECK(test::contains(failure.what(), device.path()));
    }
    CHECK(error == EIO);
}

Task<> refused() {
    const Device device;
    auto [error, text] = co_await failure_to_open(device.path(), 12345);
    CHECK(error == EINVAL);
    CHECK(test::contains(text, "rouse: cannot open serial port " + device.path() +
                                   " at 12345 bits per second, a rate that termios does not know; use one that it "
                                   "does, such as 9600 or 115200"));
    std::tie(error, text) = co_await failure_to_open(device.path(), 0);
    CHECK(error == EINVAL);
    std::tie(error, text) = co_await failure_to_open("/dev/null", 9600);
    CHECK(error == ENOTTY);
    CHECK(test::contains(text, "rouse: cannot open serial port /dev/null, which is not one"));
    std::tie(error, text) = co_await failure_to_open("/dev/there-is-no-such-port", 9600);
    CHECK(error == ENOENT);
    CHECK(test::contains(text, "/dev/there-is-no-such-port"));
}

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
    CHECK(port.waits < 20'000);
}

} // namespace

TEST_CASE("a serial port passes all bytes unchanged, both ways") {
    SECTION("edge-triggered") { on_default_port(both_ways); }
    SECTION("level-triggered") { on_poll_port(both_ways); }
}

TEST_CASE("a serial port passes more than the system has room for") {
    SECTION("edge-triggered") { on_default_port(much); }
    SECTION("level-triggered") { on_poll_port(much); }
}

TEST_CASE("open_serial sets the rate, eight bits, no parity, and no processing") { on_default_port(set_up); }

TEST_CASE("a serial port that is unplugged ends for reads, and fails for writes") { on_default_port(unplugged); }

TEST_CASE("what open_serial cannot open is an error that names the path and the reason") { on_default_port(refused); }
