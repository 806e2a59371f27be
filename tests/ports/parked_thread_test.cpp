#include <rouse/ports/detail/parked_thread.hpp>

#include <thread>

#include "support/catch.hpp"
#include "support/signal_timer.hpp"

using rouse::detail::ParkedThread;
using namespace std::chrono_literals;

TEST_CASE("a thread that was woken before it sleeps does not sleep") {
    ParkedThread parked;
    parked.wake();
    parked.wait();
    CHECK(parked.wait_until(ParkedThread::now() - 1s));
}

TEST_CASE("a thread sleeps until it is woken") {
    ParkedThread parked;
    std::thread waker{[&] {
        std::this_thread::sleep_for(5ms);
        parked.wake();
    }};
    CHECK(parked.wait_until(ParkedThread::now() + 10s));
    waker.join();
}

TEST_CASE("a thread sleeps until the time is up, and signals do not shorten it") {
    test::SignalTimer timer{[](int) {}};
    timer.arm(2'000'000);
    ParkedThread parked;
    const auto start = ParkedThread::now();
    CHECK(!parked.wait_until(start + 20ms));
    CHECK(ParkedThread::now() - start >= 20ms);
    CHECK(!parked.wait_until(ParkedThread::Time::min()));
}
