// Context and unblock(): functions on a thread or two of theirs, which tasks wait for, are cancelled, have no room, and
// which the context or the loop does not outlive. std::mutex, std::condition_variable, std::thread and std::shared_ptr
// are the standard library's: see pthreads.cpp.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <rouse/rouse.hpp>
#include <rouse/threads/context.hpp>
#include <rouse/threads/unblock.hpp>

#include "programs.hpp"

namespace model {

namespace {

using rouse::Context;
using rouse::Task;

// What a function gives: two plain words, which the thread writes and the task reads.
class Given {
public:
    explicit Given(int number) : number_{number}, same_{number} {}
    Given(Given&& other) noexcept : number_{other.number_}, same_{other.same_} { other.number_ = other.same_ = 0; }
    [[nodiscard]] bool is(int number) const { return number_ == number && same_ == number; }

private:
    int number_, same_;
};

// How often a function was called, and what it refers to: which is no atomic.
struct Called {
    int first = 0, second = 0;
};

Task<> give(Context& context, int& called) {
    const auto function = [&called] {
        ++called;
        return Given{7};
    };
    const Given given = co_await context.assign(function);
    expect(given.is(7), "the task has not what the function gave");
    expect(called == 1, "a function that has given something was not called once");
}

void one_function() {
    int called = 0;
    {
        Context context{1, 1};
        check::run(give, context, called);
    }
    expect(called == 1, "a function was not called once");
}

// Counts its ends, one moved from too: none may be on the thread once the task has what it was given.
struct Ending {
    explicit Ending(int& count) : ends{&count} {}
    Ending(Ending&& other) noexcept : ends{other.ends} {}
    ~Ending() { ++*ends; }
    int* ends;
};

// A function that counts how many of it there are: the copy that was called must have ended, on the thread, before the
// task goes on. It owns a plain number.
struct Function {
    explicit Function(int& count) : alive{&count}, number{std::make_unique<int>(7)} { ++*alive; }
    Function(const Function& other) : alive{other.alive}, number{std::make_unique<int>(*other.number)} { ++*alive; }
    Function(Function&& other) noexcept : alive{other.alive}, number{std::move(other.number)} { ++*alive; }
    ~Function() { --*alive; }
    Ending operator()(int& ends) const {
        expect(*number == 7, "the function has not what it owned");
        return Ending{ends};
    }
    int* alive;
    std::unique_ptr<int> number;
};

Task<> see_what_ends(Context& context) {
    int alive = 0, ends = 0;
    Function function{alive};
    const Ending given = co_await context.assign(function, std::ref(ends));
    expect(alive == 1, "the function has not ended with its call");
    ends = 0;
}

void what_ends_where() {
    Context context{1, 1};
    check::run(see_what_ends, context);
}

Task<> throw_once(Context& context, int& called) {
    const auto function = [&called] {
        ++called;
        throw std::runtime_error{"no disk"};
    };
    co_await context.assign(function);
}

Task<> throws(Context& context) {
    std::string caught;
    try {
        co_await context.assign([] { throw std::runtime_error{"no disk"}; });
    } catch (const std::runtime_error& error) {
        caught = error.what();
    }
    expect(caught == "no disk", "the task has not what the function threw");
}

void a_function_throws() {
    Context context{1, 1};
    check::run(throws, context);
}

Task<> give_two(Context& context, Called& called) {
    auto first = rouse::create_task(give(context, called.first));
    co_await give(context, called.second);
    co_await first;
}

// Of two threads either may not be to be had: then there is none, and no Context.
void no_threads() {
    int called = 0;
    bool refused = false;
    try {
        Context context{2, 1};
        check::run(give, context, called);
    } catch (const std::system_error&) {
        refused = true;
    }
    expect(called == (refused ? 0 : 1), "a function was called without a Context, or not by one");
}

// Room for one that waits: whoever comes second may have to wait for it.
void two_functions() {
    Called called;
    {
        Context context{1, 1};
        check::run(give_two, context, called);
    }
    expect(called.first == 1 && called.second == 1, "a function was not called once");
}

void two_threads() {
    Called called;
    {
        Context context{2, 1};
        check::run(give_two, context, called);
    }
    expect(called.first == 1 && called.second == 1, "a function was not called once");
}

// One thread: what the functions share needs no lock.
Task<> step_by_step(Context& context, int& shared, int before) {
    co_await context.assign([&shared, before] {
        expect(shared == before, "a function comes out of turn");
        ++shared;
    });
}
Task<> three_steps(Context& context, int& shared) {
    auto first = rouse::create_task(step_by_step(context, shared, 0));
    auto second = rouse::create_task(step_by_step(context, shared, 1));
    auto third = rouse::create_task(step_by_step(context, shared, 2));
    co_await first;
    co_await second;
    co_await third;
    expect(shared == 3, "a function was not called");
}
void three_in_order() {
    int shared = 0;
    Context context{1, 1};
    check::run(three_steps, context, shared);
}

// The first is cancelled when it has been queued, is waited for, or has ended; nobody hears of what it gives or throws.
// The thread is free for the second.
template <Task<> (*first_does)(Context&, int&)>
Task<> cancel_first(Context& context, Called& called) {
    auto first = rouse::create_task(first_does(context, called.first));
    co_await rouse::yield();
    first.cancel();
    co_await first.outcome();
    co_await give(context, called.second);
}
template <Task<> (*first_does)(Context&, int&)>
void waiter_is_cancelled() {
    Called called;
    {
        Context context{1, 1};
        check::run(cancel_first<first_does>, context, called);
    }
    expect(called.first == 1, "a function that was queued was not called");
    expect(called.second == 1, "a function was not called once");
}

// The second is cancelled, which has perhaps no room; the third gets it.
Task<> cancel_second(Context& context, Called& called, int& third) {
    auto first = rouse::create_task(give(context, called.first));
    auto second = rouse::create_task(give(context, called.second));
    co_await rouse::yield();
    expect(context.waiting() <= 1, "more functions wait than there is room for");
    second.cancel();
    co_await give(context, third);
    co_await first;
    co_await second.outcome();
}
void one_without_room_is_cancelled() {
    Called called;
    int third = 0;
    {
        Context context{1, 1};
        check::run(cancel_second, context, called, third);
    }
    expect(called.first == 1 && third == 1, "a function was not called once");
    expect(called.second <= 1, "a function was called twice");
}

// Ends with a result if the function was called, else by a cancellation.
void ends_as(const rouse::TaskHandle<>& task, int called) {
    expect(task.cancelled() == (called == 0), "a task does not end as its function has");
    expect(called <= 1, "a function was called twice");
}
Task<> end_context(std::unique_ptr<Context>& context, Called& called) {
    auto first = rouse::create_task(give(*context, called.first));
    auto second = rouse::create_task(give(*context, called.second));
    co_await rouse::yield();
    context.reset();
    co_await first.outcome();
    co_await second.outcome();
    ends_as(first, called.first);
    ends_as(second, called.second);
}
void context_ends() {
    Called called;
    auto context = std::make_unique<Context>(1, 1);
    check::run(end_context, context, called);
}
void context_of_two_threads_ends() {
    Called called;
    auto context = std::make_unique<Context>(2, 2);
    check::run(end_context, context, called);
}

void nothing_to_do() { Context context{2, 1}; }

// The loop ends, and the tasks with it, while the function is on its way.
Task<> leave(Context& context, int& called) {
    const auto left_alone = rouse::create_task(give(context, called));
    co_await rouse::yield();
}
void loop_ends() {
    int called = 0;
    {
        Context context{1, 1};
        check::run(leave, context, called);
    }
    expect(called == 0 || called == 1, "a function was called twice");
}

Task<> give_unblocked(int& called) {
    const auto function = [&called] {
        ++called;
        return Given{7};
    };
    const Given given = co_await rouse::unblock(function);
    expect(given.is(7), "the task has not what the function gave");
}
void unblocked() {
    int called = 0;
    check::run(give_unblocked, called);
    join();
    expect(called == 1, "a function was not called once");
}

Task<> leave_unblocked(int& called) {
    const auto left_alone = rouse::create_task(give_unblocked(called));
    co_await rouse::yield();
}
void loop_of_unblocked_ends() {
    int called = 0;
    check::run(leave_unblocked, called);
    join();
    expect(called == 1, "a function was not called once");
}

Task<> try_unblock(int& called) {
    bool refused = false;
    try {
        co_await give_unblocked(called);
    } catch (const std::system_error&) {
        refused = true;
    }
    expect(!refused || called == 0, "a function was called without a thread");
}
void unblocked_without_threads() {
    int called = 0;
    check::run(try_unblock, called);
    join();
}

Task<> cancel_unblocked(int& called) {
    auto task = rouse::create_task(give_unblocked(called));
    co_await rouse::yield();
    task.cancel();
    co_await task.outcome();
}
void unblocked_and_cancelled() {
    int called = 0;
    check::run(cancel_unblocked, called);
    join();
    expect(called == 1, "a function was not called once");
}

} // namespace

std::vector<Program> context_programs() {
    return {
        {"context: three functions in order", three_in_order, {.preemptions = 2}},
        {"context: a function gives a value", one_function, {.preemptions = 2, .spurious = 1}},
        {"context: where function and result end", what_ends_where, {.preemptions = 3}},
        {"context: a function throws", a_function_throws, {.preemptions = 3}},
        {"context: two functions, room for one", two_functions, {.preemptions = 2}},
        {"context: two functions, two threads", two_threads, {.preemptions = 1}},
        {"context: there may be no more threads", no_threads, {.preemptions = 1, .no_threads = 1}},
        {"context: a thrower's waiter is cancelled", waiter_is_cancelled<throw_once>, {.preemptions = 2}},
        {"context: a waiter is cancelled", waiter_is_cancelled<give>, {.preemptions = 2}},
        {"context: one that has no room is cancelled", one_without_room_is_cancelled, {.preemptions = 2}},
        {"context: it ends while two wait", context_ends, {.preemptions = 2, .spurious = 1}},
        {"context: it ends while two wait, two threads", context_of_two_threads_ends, {.preemptions = 2}},
        {"context: it ends with nothing to do", nothing_to_do, {.spurious = 1}},
        {"context: the loop ends while a function runs", loop_ends, {.preemptions = 3}},
        {"unblock: a function gives a value", unblocked, {.preemptions = 3}},
        {"unblock: the loop ends while a function runs", loop_of_unblocked_ends, {.preemptions = 3}},
        {"unblock: there may be no more threads", unblocked_without_threads, {.preemptions = 2, .no_threads = 1}},
        {"unblock: a waiter is cancelled", unblocked_and_cancelled, {.preemptions = 3}},
    };
}

} // namespace model
