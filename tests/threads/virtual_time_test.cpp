// Functions on threads, in virtual time: while a task waits for one, the loop is not stuck.
#include <atomic>
#include <thread>

#include <rouse/debug/fail_when_stuck.hpp>
#include <rouse/threads/threads.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

TEST_CASE("a function of a Context or of unblock is something to wait for, in virtual time") {
    VirtualTimePort port;
    Loop loop{port};
    const FailWhenStuck guard{port, loop};
    int sum = 0;
    const auto main = [&]() -> Task<> {
        Context context{1, 1};
        const auto one = [] {
            std::this_thread::sleep_for(5ms);
            return 1;
        };
        sum += co_await context.assign(one);
        sum += co_await unblock(one);
        // More than have room: the last waits until there is some.
        const auto add = [&]() -> Task<> { sum += co_await context.assign(one); };
        co_await gather(add(), add(), add(), add());
    };
    loop.run(main());
    CHECK(sum == 6);
}

TEST_CASE("a function for which no task waits any more does not keep the loop from being stuck") {
    std::atomic<bool> end{false};
    const std::string said = misuse_of([&] {
        VirtualTimePort port;
        Loop loop{port};
        const FailWhenStuck guard{port, loop};
        struct Ends {
            explicit Ends(std::atomic<bool>& e) : end{e} {}
            Ends(const Ends&) = delete;
            Ends& operator=(const Ends&) = delete;
            ~Ends() { end = true; }
            std::atomic<bool>& end;
        };
        const auto main = [&]() -> Task<> {
            Context context;
            const Ends ends{end};
            const auto waits = [&] {
                while (!end) std::this_thread::sleep_for(1ms);
            };
            auto assigned = create_task(context.assign(waits), "assigned");
            co_await yield();
            CHECK(assigned.cancel());
            Event never;
            co_await never.wait();
        };
        loop.run(main());
    });
    CHECK(contains(said, "task main waits for an Event\n"));
    CHECK(!contains(said, "assigned"));
}
