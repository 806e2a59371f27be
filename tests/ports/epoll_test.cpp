#include <rouse/ports/epoll.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "in_child.hpp"
#include "refused_call.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"

using namespace test;

namespace {

struct Recorder final : detail::Watch {
    ~Recorder() = default;
    void on_ready(detail::Readiness readiness) noexcept override {
        last = readiness;
        ++count;
    }
    detail::Readiness last = detail::Readiness::none;
    int count = 0;
};

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
    return count;
}

// The descriptor of this process that is an eventfd, or -1. There must be one at most.
int event_descriptor() {
    for (int fd = 0; fd < 1024; ++fd) {
        char target[64] = "";
        const std::string link = "/proc/self/fd/" + std::to_string(fd);
        if (::readlink(link.c_str(), target, sizeof target - 1) > 0 && std::string{target} == "anon_inode:[eventfd]")
            return fd;
    }
    return -1;
}

// Whether a wake() ends the program after break_it(the eventfd), rather than being lost.
template <class F>
test::Child wake_after(F break_it) {
    return test::in_child([&] {
        EpollPort port;
        Loop loop{port};
        ThreadSafeFlag flag;
        auto task = loop.create_task([](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); }(flag));
        while (loop.poll()) {
        }
        if (!break_it(event_descriptor())) return true;
        flag.set(); // the loop is asleep
        return true;
    });
}

} // namespace

TEST_CASE("a loop that can no longer be woken panics at once") {
    const test::Child closed = wake_after([](int eventfd) { return ::close(eventfd) == 0; });
    CHECK(closed.panicked());
    CHECK(closed.said.find("rouse: EpollPort::wake: ") != std::string::npos);
    const test::Child read_only =
        wake_after([](int eventfd) { return ::dup2(::open("/dev/null", O_RDONLY), eventfd) == eventfd; });
    CHECK(read_only.panicked());
    for (const int error : {EPERM, ENOSYS, EIO}) {
        CHECK(wake_after([error](int) { return test::refuse_call(SYS_write, error); }).panicked());
    }
}

TEST_CASE("a loop whose wakes cannot be taken in panics, and does not spin") {
    const test::Child child = test::in_child([] {
        EpollPort port;
        port.wake();
        if (!test::refuse_call(SYS_read, EIO)) return true;
        port.wait_until(no_deadline);
        return true;
    });
    CHECK(child.panicked());
    CHECK(child.said.find("rouse: EpollPort: ") != std::string::npos);
}

TEST_CASE("the port takes any deadline") {
    EpollPort port;
    const auto now = port.now();
    for (const TimePoint past : {at_once, TimePoint::min() + 1ns, TimePoint{-1ns}, TimePoint{}, now - 1ns, now})
        CHECK(port.wait_until(past) == 0);
    for (const TimePoint far : {no_deadline, TimePoint::max() - 1ns, TimePoint::max() - 1s, now + 24h * 365 * 100}) {
        port.wake();
        CHECK(port.wait_until(far) == 1);
    }
}

TEST_CASE("the clock is monotonic and the one of steady_clock") {
    EpollPort port;
    const auto before = std::chrono::steady_clock::now().time_since_epoch();
    const auto now = port.now().time_since_epoch();
    const auto after = std::chrono::steady_clock::now().time_since_epoch();
    CHECK(before <= now);
    CHECK(now <= after);
}

TEST_CASE("a wait ends at its deadline, not before, and late by far less than a millisecond") {
    EpollPort port;
    auto best = std::chrono::nanoseconds::max();
    // epoll_wait's milliseconds, which the port takes under ThreadSanitizer, make every wait at least 700 us late; a
    // busy machine delays some, not all of 5,000.
    const std::chrono::nanoseconds enough = ROUSE_TSAN ? 2ms : 600us;
    for (int i = 0; i < 5'000 && (i < 20 || best >= enough); ++i) {
        const auto deadline = port.now() + 300us;
        CHECK(port.wait_until(deadline) == 0);
        const auto late = port.now() - deadline;
        CHECK(late >= 0ns);
        best = std::min<std::chrono::nanoseconds>(best, late);
    }
    CHECK(best < enough);
}

TEST_CASE("a wake before the wait makes it return at once, and each wake is counted once") {
    EpollPort port;
    port.wake();
    port.wake();
    CHECK(port.wait_until(no_deadline) == 2);
    CHECK(port.wait_until(port.now() + 1ms) == 0);
}

TEST_CASE("a wake from another thread ends a wait without a deadline, and keeps errno") {
    EpollPort port;
    bool kept = false; // by the thread: Catch2's checks are for one thread
    std::thread thread{[&] {
        std::this_thread::sleep_for(5ms);
        errno = EDOM;
        port.wake();
        kept = errno == EDOM;
    }};
    const unsigned wakes = port.wait_until(no_deadline);
    thread.join();
    CHECK(wakes == 1);
    CHECK(kept);
}

TEST_CASE("a signal during a wait is not an error: the wait may end early") {
    EpollPort port;
    SignalTimer timer{[](int) {}};
    timer.arm(2'000'000);
    const auto start = port.now();
    CHECK(port.wait_until(start + 60s) == 0);
    CHECK(port.now() - start < 50s);
}

TEST_CASE("a watch is told of each edge once, and nothing after it is removed") {
    EpollPort port;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    Recorder watch;
    REQUIRE(port.arm(ends[0], watch) == 0);
    port.wait_until(at_once);
    CHECK(watch.count == 1);
    CHECK(watch.last == detail::Readiness::writable);
    port.wait_until(at_once);
    CHECK(watch.count == 1);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    port.wait_until(no_deadline);
    CHECK(watch.count == 2);
    CHECK(has_any(watch.last, detail::Readiness::readable));
    port.remove(ends[0], watch);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    port.wait_until(at_once);
    CHECK(watch.count == 2);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a watch that is removed while others are told is not told any more") {
    EpollPort port;
    int a[2], b[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b) == 0);
    struct Remover final : detail::Watch {
        ~Remover() = default;
        void on_ready(detail::Readiness) noexcept override {
            ++count;
            port->remove(other_descriptor, *other);
        }
        EpollPort* port = nullptr;
        Remover* other = nullptr;
        int other_descriptor = -1;
        int count = 0;
    } first, second;
    first.port = second.port = &port;
    first.other = &second;
    second.other = &first;
    first.other_descriptor = b[0];
    second.other_descriptor = a[0];
    REQUIRE(port.arm(a[0], first) == 0);
    REQUIRE(port.arm(b[0], second) == 0);
    port.wait_until(no_deadline);
    CHECK(first.count + second.count == 1);
    for (const int fd : {a[0], a[1], b[0], b[1]}) ::close(fd);
}

TEST_CASE("find knows the ports of this thread by their address") {
    CHECK(detail::IoPort::find(VirtualTimePort{}) == nullptr);
    EpollPort a;
    {
        EpollPort b;
        CHECK(detail::IoPort::find(a) == &a);
        CHECK(detail::IoPort::find(b) == &b);
    }
    CHECK(detail::IoPort::find(a) == &a);
}

TEST_CASE("no descriptors left at start-up is an error that says so, and none is leaked") {
    const int before = open_descriptors();
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
    for (int allowed = 0; allowed < 2; ++allowed) {
        const int lowest_free = ::dup(0);
        ::close(lowest_free);
        const rlimit limit{static_cast<rlim_t>(lowest_free + allowed), old.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
        std::string message;
        int code = 0;
        try {
            run([]() -> Task<> { co_return; }());
        } catch (...) {
            ::setrlimit(RLIMIT_NOFILE, &old); // first of all: the sanitizer needs descriptors too
            try {
                throw;
            } catch (const std::system_error& error) {
                message = error.what();
                code = error.code().value();
            }
        }
        ::setrlimit(RLIMIT_NOFILE, &old);
        CHECK(code == EMFILE);
        CHECK(message.find(allowed == 0 ? "epoll_create1" : "eventfd") != std::string::npos);
    }
    CHECK(open_descriptors() == before);
}
