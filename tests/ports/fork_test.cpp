// After fork(): what the child makes of its own.
#include <atomic>
#include <csignal>
#include <thread>

#include <poll.h>
#include <spawn.h>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// A loop that a thread wakes while it sleeps, through a flag and through queues whose other end is blocked.
bool runs_a_loop_of_its_own() {
    ThreadSafeFlag flag;
    ThreadSafeQueue<int, 1> there, back;
    int answered = 0;
    std::thread other{[&] {
        while (const auto request = there.get_sync(block)) {
            std::this_thread::sleep_for(100us); // the loop sleeps
            flag.set();
            if (!back.put_sync(*request, block)) return;
        }
    }};
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 50; ++i) {
            const bool asked = co_await there.put(i);
            co_await flag.wait();
            const int answer = co_await back.get();
            answered += asked && answer == i;
        }
        there.close();
    };
    run(main());
    other.join();
    return answered == 50;
}

bool has_something_to_do(Loop& loop) {
    pollfd look{loop.native_handle(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

Task<> waits_for(ThreadSafeFlag& flag) { co_await flag.wait(); }

volatile std::sig_atomic_t signals = 0;
ThreadSafeFlag* flag_of_parent = nullptr;
ThreadSafeFlag* flag_of_child = nullptr;
void set_both(int) {
    flag_of_parent->set();
    flag_of_child->set();
    signals = signals + 1;
}

} // namespace

TEST_CASE("a child makes a port and a loop of its own, and so does its child") {
    EpollPort port;
    Loop loop{port};
    const Child child = in_child([] { return runs_a_loop_of_its_own() && in_child(runs_a_loop_of_its_own).well(); });
    CHECK(child.well());
    CHECK(runs_a_loop_of_its_own());
}

TEST_CASE("a child that is forked between turns of a loop, beside which it makes its own") {
    EpollPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    auto waiter = loop.create_task(waits_for(flag));
    while (loop.poll()) {
    }
    CHECK(in_child(runs_a_loop_of_its_own).well());
    flag.set();
    while (loop.poll()) {
    }
    CHECK(waiter.done());
}

TEST_CASE("scenario 9: after fork a descriptor is new while an old wake is pending: the new one is not held back") {
    EpollPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    auto waiter = loop.create_task(waits_for(flag));
    while (loop.poll()) {
    }
    SECTION("the wake was pending when the process forked: it stays the parent's") {
        flag.set();
        CHECK(in_child(runs_a_loop_of_its_own).well());
        CHECK(has_something_to_do(loop));
    }
    SECTION("the wake was sent by the child, to the loop that it inherited: it reaches nobody") {
        const Child child = in_child([&] {
            flag.set(); // the word of the inherited loop says `asleep`
            return runs_a_loop_of_its_own();
        });
        CHECK(child.well());
        CHECK(!has_something_to_do(loop));
        flag.set();
        CHECK(has_something_to_do(loop));
    }
    while (loop.poll()) {
    }
    CHECK(waiter.done());
    CHECK(port.wait_until(port.now() + 1ms) == 0); // and of that one wake nothing is left
}

TEST_CASE("a child forked inside of a task is in that task still: it runs a loop on another thread") {
    auto main = []() -> Task<> {
        co_await sleep(1ms);
        const Child child = in_child([] {
            ThreadSafeFlag flag;
            const auto message = misuse_of([&] { run(waits_for(flag)); });
            bool there = false;
            std::thread{[&] { there = runs_a_loop_of_its_own(); }}.join();
            return there && contains(message, "a loop is running on this thread already");
        });
        CHECK(child.well());
        co_await sleep(1ms);
    };
    run(main());
}

TEST_CASE("a thread forks again and again while another one's loop is woken: no wake is lost, none too many counted") {
    ThreadSafeFlag request, answer;
    std::atomic<bool> stop{false}, stopped{false};
    std::atomic<int> rounds{0};
    auto answering = [&]() -> Task<> {
        while (!stopped) {
            co_await request.wait();
            answer.set();
        }
    };
    auto asking = [&]() -> Task<> {
        while (!stop) {
            request.set();
            co_await answer.wait();
            ++rounds;
        }
        stopped = true;
        request.set();
    };
    std::thread one{[&] { run(answering()); }};
    std::thread two{[&] { run(asking()); }};
    int well = 0, forks = 0;
    while (rounds < 1) std::this_thread::yield();
    for (; forks < 50; ++forks) {
        // In the child there is no other thread; a signal handler is the foreign context.
        well += in_child([&] {
                    ThreadSafeFlag flag;
                    flag_of_parent = &request;
                    flag_of_child = &flag;
                    std::signal(SIGUSR1, set_both);
                    auto main = [&]() -> Task<> {
                        for (int i = 0; i < 10; ++i) {
                            std::raise(SIGUSR1);
                            answer.set();
                            co_await flag.wait();
                        }
                    };
                    run(main());
                    return signals == 10;
                }).well();
        const int before = rounds;
        while (rounds < before + 10) std::this_thread::yield();
    }
    stop = true;
    one.join(); // the loops end when they have counted what they are owed
    two.join();
    CHECK(well == forks);
}

TEST_CASE("posix_spawn from a task leaves the loop as it was") {
    auto main = []() -> Task<> {
        char name[] = "true";
        char* const arguments[] = {name, nullptr};
        pid_t child = 0;
        CHECK(::posix_spawnp(&child, name, nullptr, nullptr, arguments, environ) == 0);
        co_await sleep(1ms);
        int status = -1;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    };
    run(main());
}
