// ThreadSafeFlag: set, wait, clear, cancel, time limits, and the end of the flag, its task, and its loop.
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::Task;
using rouse::ThreadSafeFlag;

Task<> wait_for_both(ThreadSafeFlag& flag, const Mark& a, const Mark& b, int last) {
    for (;;) {
        co_await flag.wait();
        if (a.read() == last && b.read() == last) break;
    }
}

void set_twice_each() {
    ThreadSafeFlag flag;
    Mark marks[2];
    set_from_two(flag, marks, 2);
    int last = 2;
    check::run(wait_for_both, flag, marks[0], marks[1], last);
    join();
}

void clear_and_set_each() {
    ThreadSafeFlag flag;
    flag.set();
    flag.clear();
    expect(!flag.is_set(), "a flag that was cleared is set");
    Mark marks[2];
    for (Mark& mark : marks) {
        thread([&flag, &mark] {
            flag.clear();
            mark.write(1);
            flag.set();
        });
    }
    int last = 1;
    check::run(wait_for_both, flag, marks[0], marks[1], last);
    join();
}

Task<> cancel_a_wait(ThreadSafeFlag& flag, const Mark& a, const Mark& b) {
    auto waiter = rouse::create_task(wait_once(flag));
    co_await rouse::yield();
    waiter.cancel();
    co_await waiter.outcome();
    if (waiter.cancelled() || a.read() + b.read() < 2) co_await wait_for_both(flag, a, b, 1);
}

void cancelled_wait() {
    ThreadSafeFlag flag;
    Mark marks[2];
    set_from_two(flag, marks, 1);
    check::run(cancel_a_wait, flag, marks[0], marks[1]);
    join();
}

Task<> wait_with_limit(ThreadSafeFlag& flag, const Mark& a, const Mark& b) {
    auto outcome = co_await rouse::try_wait_for(flag.wait(), 1ms);
    if (outcome.timed_out() || a.read() + b.read() < 2) co_await wait_for_both(flag, a, b, 1);
}

void wait_that_times_out() {
    ThreadSafeFlag flag;
    Mark marks[2];
    set_from_two(flag, marks, 1);
    check::run(wait_with_limit, flag, marks[0], marks[1]);
    join();
}

// Once the flag is set, its one set() does not touch it any more: it may go, with a task that waits in it, which then
// either goes on or waits until it is cancelled.
Task<> end_flag_beside_its_waiter(std::unique_ptr<ThreadSafeFlag>& flag, ThreadSafeFlag& other, int& data) {
    auto waiter = rouse::create_task(wait_once(*flag));
    co_await rouse::yield();
    if (flag->is_set()) {
        expect(data == 1, "what was written before set() is not seen");
        flag.reset();
        if (choose(2) == 1) waiter.cancel();
    }
    co_await waiter.outcome();
    co_await other.wait();
}

void end_of_a_flag_with_a_waiter() {
    auto flag = std::make_unique<ThreadSafeFlag>();
    ThreadSafeFlag other;
    int data = 0;
    thread([set = flag.get(), &data] {
        data = 1;
        set->set();
    });
    thread([&other] { other.set(); });
    check::run(end_flag_beside_its_waiter, flag, other, data);
    join();
}

// The loop goes while a task waits, and a context sets the flag twice.
void end_of_the_loop() {
    ThreadSafeFlag flag, other;
    const auto both = [&] {
        flag.set();
        other.set();
    };
    thread(both);
    thread(both);
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(wait_once(flag));
        loop->create_task(wait_once(other));
        loop->poll();
    }
    join();
}

// A second loop in a second thread: each rouses the other.
Task<> answer(ThreadSafeFlag& question, ThreadSafeFlag& reply) {
    for (int i = 0; i < 2; ++i) {
        co_await question.wait();
        reply.set();
    }
}
Task<> ask(ThreadSafeFlag& question, ThreadSafeFlag& reply) {
    for (int i = 0; i < 2; ++i) {
        question.set();
        co_await reply.wait();
    }
}

void two_loops() {
    ThreadSafeFlag question, reply;
    thread([&] { check::run(answer, question, reply); });
    check::run(ask, question, reply);
    join();
}

} // namespace

std::vector<Program> flag_programs() {
    return {
        {"flag: two contexts set twice each", set_twice_each, {.preemptions = 2}},
        {"flag: two contexts clear and set", clear_and_set_each, {}},
        {"flag: ends as soon as its waiter goes on", end_when_waited_for<ThreadSafeFlag>, {}},
        {"flag: a wait is cancelled", cancelled_wait, {}},
        {"flag: a wait times out", wait_that_times_out, {}},
        {"flag: ends while a task waits", end_of_a_flag_with_a_waiter, {.spurious = 1}},
        {"flag: the loop ends while tasks wait", end_of_the_loop, {.preemptions = 2, .spurious = 1}},
        {"flag: two loops rouse each other", two_loops, {.preemptions = 3}},
    };
}

} // namespace model
