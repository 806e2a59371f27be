// What a signal handler, or on firmware an interrupt, may do besides setting and putting: look, clear, read, close.
#include <rouse/threadsafe/latest.hpp>
#include <rouse/threadsafe/message.hpp>
#include <rouse/threadsafe/ring_io.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>
#include <rouse/threadsafe/thread_safe_flag.hpp>

#include <atomic>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"

using namespace test;

namespace {

// Runs the handler at some moment of the next microseconds, while `work` is done again and again.
template <class F>
void until_handled(SignalTimer& timer, const std::atomic<unsigned>& handled, int round, F work) {
    const unsigned before = handled;
    timer.arm(1'000 + round * 7 % 3'000);
    do work();
    while (handled == before);
}

std::atomic<unsigned> handled{0};
std::atomic<unsigned> wrong{0};
void note(bool right) {
    if (!right) wrong = wrong + 1; // fetch_add: not on a Cortex-M0
    handled = handled + 1;
}

constinit ThreadSafeFlag flag;
constinit ThreadSafeEvent event;
constinit Message<unsigned> message;
constinit Latest<unsigned> latest;
constinit RingIO<8> ring;

} // namespace

TEST_CASE("a flag is looked at and cleared by a signal handler, and a later set rouses the task") {
    wrong = 0;
    VirtualTimePort port;
    Loop loop{port};
    unsigned resumed = 0;
    auto waits = [&]() -> Task<> {
        co_await flag.wait();
        ++resumed;
    };
    SignalTimer timer{[](int) {
        const bool was_set = flag.is_set();
        flag.clear();
        note(was_set && !flag.is_set());
    }};
    for (int round = 0; round < 500; ++round) {
        flag.set();
        until_handled(timer, handled, round, [] { flag.set(); });
        flag.clear();
        auto task = loop.create_task(waits());
        loop.poll();
        flag.set();
        loop.run_until_complete(task);
    }
    CHECK(wrong == 0);
    CHECK(resumed == 500);
}

TEST_CASE("an event is looked at by a signal handler: set, until it is cleared") {
    wrong = 0;
    static bool expected = false;
    SignalTimer timer{[](int) { note(event.is_set() == expected); }};
    for (int round = 0; round < 500; ++round) {
        expected = round % 2 == 0;
        expected ? event.set() : event.clear();
        until_handled(timer, handled, round, [] {});
    }
    CHECK(wrong == 0);
}

TEST_CASE("a message is looked at by a signal handler: set, also while it is fetched, until it is cleared") {
    wrong = 0;
    SignalTimer timer{[](int) { note(message.is_set()); }};
    for (int round = 0; round < 500; ++round) {
        CHECK(message.set(1));
        until_handled(timer, handled, round, [] {
            CHECK(message.set(2));
            static_cast<void>(message.value());
        });
    }
    CHECK(wrong == 0);
    message.clear();
    SignalTimer again{[](int) { note(!message.is_set()); }};
    until_handled(again, handled, 0, [] {});
    CHECK(wrong == 0);
}

TEST_CASE("a setting published by a task is read by a signal handler: the newest, and never an older one") {
    wrong = 0;
    static std::atomic<unsigned> published{0};
    static unsigned read = 0;
    SignalTimer timer{[](int) {
        const unsigned least = published;
        const bool is_new = latest.fresh();
        const unsigned value = latest.value();
        note(value >= least && value >= read && is_new == (value != read) && !latest.fresh());
        read = value;
    }};
    for (int round = 0; round < 500; ++round) {
        until_handled(timer, handled, round, [] {
            latest.publish(published + 1);
            published = published + 1;
        });
    }
    CHECK(wrong == 0);
    CHECK(read > 0);
}

TEST_CASE("a stream closed by a signal handler ends the read that waits, and what has come is read first") {
    SignalTimer timer{[](int) {
        ring.received("ab");
        ring.close();
        handled = handled + 1;
    }};
    std::size_t first = 0;
    std::size_t second = 1;
    auto reads = [&]() -> Task<> {
        char bytes[4];
        first = co_await ring.read(bytes);
        second = co_await ring.read(bytes);
    };
    VirtualTimePort port;
    Loop loop{port};
    auto task = loop.create_task(reads());
    loop.poll();
    until_handled(timer, handled, 0, [] {});
    loop.run_until_complete(task);
    CHECK(first == 2);
    CHECK(second == 0);
    CHECK(ring.closed());
}
