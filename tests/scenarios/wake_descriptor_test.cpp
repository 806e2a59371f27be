// Scenario 14 of the project's list: a loop takes in its wake while it serves another descriptor, and forgets that
// there was something behind the wake.
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

// One end of a pair of sockets, served by `port`; calls `serve` for each edge of input.
template <class F>
class Served final : detail::Watch {
public:
    Served(EpollPort& port, F serve) : port_{port}, serve_{serve} {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) == 0);
        REQUIRE(port_.arm(ends_[0], *this) == 0);
    }
    ~Served() {
        port_.remove(ends_[0], *this);
        for (const int end : ends_) ::close(end);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    /// From any thread.
    bool feed() { return ::write(ends_[1], "x", 1) == 1; }

private:
    void on_ready(detail::Readiness readiness) noexcept override {
        char byte = 0;
        while (has_any(readiness, detail::Readiness::readable) && ::read(ends_[0], &byte, 1) == 1) serve_();
    }

    EpollPort& port_;
    F serve_;
    int ends_[2]{};
};

Task<> stops(Loop& loop, ThreadSafeFlag& flag) {
    co_await flag.wait();
    loop.stop();
}

Task<> waits(ThreadSafeFlag& flag) { co_await flag.wait(); }

} // namespace

TEST_CASE("scenario 14: a stop that comes while a descriptor is served, before or behind the wake, is not lost") {
    for (const bool wake_is_first : {true, false}) {
        EpollPort port;
        Loop loop{port};
        ThreadSafeFlag other, stop;
        Served served{port, [&] { stop.set(); }}; // in the middle of the port's wait
        loop.create_task(waits(other));
        loop.create_task(stops(loop, stop));
        while (loop.poll()) {
        }
        // Two descriptors are ready; epoll tells of them in this order.
        if (wake_is_first) other.set();
        const bool has_input = served.feed();
        if (!wake_is_first) other.set();
        loop.run_forever();
        CHECK(has_input);
        CHECK(loop.live_tasks() == 0);
    }
}

TEST_CASE("scenario 14: a thread feeds a descriptor and stops the loop, in both orders, again and again") {
    constexpr int rounds = 2000;
    EpollPort port;
    Loop loop{port};
    ThreadSafeFlag stop;
    ThreadSafeQueue<int, 1> go;
    int fed = 0;
    Served served{port, [&] { ++fed; }};
    bool all_written = true; // the thread's
    std::thread thread{[&] {
        while (const auto round = go.get_sync(block)) {
            if (*round % 2 == 0) all_written &= served.feed();
            spin(*round % 400);
            stop.set();
            if (*round % 2 == 1) all_written &= served.feed();
        }
    }};
    for (int round = 0; round < rounds; ++round) {
        loop.create_task(stops(loop, stop));
        const bool sent = go.put_sync(round, block);
        if (!sent) FAIL("the queue is closed");
        loop.run_forever();
        loop.poll(); // a stop that comes in before the loop sleeps leaves the descriptor unread, and it has little room
    }
    go.close();
    thread.join();
    loop.poll(); // the last one
    CHECK(all_written);
    CHECK(fed == rounds);
    CHECK(loop.live_tasks() == 0);
}
