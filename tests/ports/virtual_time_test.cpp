#include <rouse/ports/virtual_time.hpp>

#include <thread>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("time stands still while tasks run, and jumps to the next deadline when none is ready") {
    auto main = []() -> Task<> {
        const auto start = Clock::now();
        for (int i = 0; i < 100; ++i) co_await yield();
        CHECK(Clock::now() == start);
        co_await sleep(100h);
        CHECK(Clock::now() - start == 100h);
    };
    run_virtual(main());
}

TEST_CASE("a thread can wake a loop whose time is virtual") {
    ThreadSafeFlag flag;
    std::thread thread{[&] { flag.set(); }};
    auto main = [&]() -> Task<> { co_await flag.wait(); };
    run_virtual(main());
    thread.join();
}
