// The value of a task is moved by everything to which the task is given up, and copied only from a handle that is kept.
#include <rouse/combine/select.hpp>
#include <rouse/combine/task_group.hpp>
#include <rouse/combine/wait_for.hpp>

#include <chrono>
#include <string>
#include <variant>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

template <class T>
Task<T> returns(int number) {
    T value = make<T>(number);
    co_await yield();
    co_return value;
}

// Calls each(body) for each way to give a task up. A body is a coroutine that returns the number in the value.
template <class T>
int awaited_in_place() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> { co_return number_in(co_await returns<T>(1)); }());
}

template <class T>
int awaited_by_temporary_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> { co_return number_in(co_await create_task(returns<T>(1))); }());
}

template <class T>
int awaited_by_moved_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        TaskHandle<T> handle = create_task(returns<T>(1));
        co_return number_in(co_await std::move(handle));
    }());
}

template <class T>
int outcome_of_temporary_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        auto outcome = co_await create_task(returns<T>(1)).outcome();
        co_return number_in(std::move(outcome).value());
    }());
}

template <class T>
int result_of_moved_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        TaskHandle<T> handle = create_task(returns<T>(1));
        while (!handle.done()) co_await yield();
        co_return number_in(std::move(handle).result());
    }());
}

template <class T>
int run_on_a_loop() {
    VirtualTimePort port;
    Loop loop{port};
    return number_in(loop.run(returns<T>(1)));
}

template <class T>
int run_until_complete() {
    VirtualTimePort port;
    Loop loop{port};
    return number_in(loop.run_until_complete(returns<T>(1)));
}

template <class T>
int run_until_handle_complete() {
    VirtualTimePort port;
    Loop loop{port};
    return number_in(loop.run_until_complete(loop.create_task(returns<T>(1))));
}

template <class T>
int try_wait_for_a_task() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        auto outcome = co_await try_wait_for(returns<T>(1), 1s);
        co_return number_in(std::move(outcome).value());
    }());
}

template <class T>
int try_wait_for_a_temporary_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        auto outcome = co_await try_wait_for(create_task(returns<T>(1)), 1s);
        co_return number_in(std::move(outcome).value());
    }());
}

template <class T>
int select_of_a_task() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        auto first = co_await select(sleep(1s), returns<T>(1));
        co_return number_in(std::get<1>(first));
    }());
}

template <class T>
int select_of_a_temporary_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        auto first = co_await select(create_task(returns<T>(1)), sleep(1s));
        co_return number_in(std::get<0>(first));
    }());
}

template <class T>
int task_of_a_group() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> {
        int number = 0;
        const auto body = [&number](TaskGroup& group) -> Task<> {
            number = number_in(co_await group.create_task(returns<T>(1)));
        };
        co_await TaskGroup::run(body);
        co_return number;
    }());
}

#if ROUSE_EXCEPTIONS
template <class T>
int wait_for_a_task() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> { co_return number_in(co_await wait_for(returns<T>(1), 1s)); }());
}

template <class T>
int wait_for_a_temporary_handle() {
    VirtualTimePort port;
    Loop loop{port};
    return loop.run([]() -> Task<int> { co_return number_in(co_await wait_for(create_task(returns<T>(1)), 1s)); }());
}
#endif

template <class T>
void check_all_ways() {
    CHECK(awaited_in_place<T>() == 1);
    CHECK(awaited_by_temporary_handle<T>() == 1);
    CHECK(awaited_by_moved_handle<T>() == 1);
    CHECK(outcome_of_temporary_handle<T>() == 1);
    CHECK(result_of_moved_handle<T>() == 1);
    CHECK(run_on_a_loop<T>() == 1);
    CHECK(run_until_complete<T>() == 1);
    CHECK(run_until_handle_complete<T>() == 1);
    CHECK(try_wait_for_a_task<T>() == 1);
    CHECK(try_wait_for_a_temporary_handle<T>() == 1);
    CHECK(select_of_a_task<T>() == 1);
    CHECK(select_of_a_temporary_handle<T>() == 1);
    CHECK(task_of_a_group<T>() == 1);
#if ROUSE_EXCEPTIONS
    CHECK(wait_for_a_task<T>() == 1);
    CHECK(wait_for_a_temporary_handle<T>() == 1);
#endif
}

} // namespace

TEST_CASE("a task that is given up is not asked for a copy of its value") {
    CountsCopies::reset();
    check_all_ways<CountsCopies>();
    CHECK(CountsCopies::copies == 0);
    CHECK(CountsCopies::alive == 0);
}

TEST_CASE("a value that cannot be copied gets out of a task by every function that returns a result") {
    check_all_ways<MoveOnly>();
}

TEST_CASE("a vector of what cannot be copied gets out of a task by every function that returns a result") {
    check_all_ways<Pointers>();
}

TEST_CASE("an object that only claims to be copyable gets out of a task by every function that returns a result") {
    check_all_ways<HoldsPointers>();
}

TEST_CASE(
    "a value with its own operator& gets out of a task by every function that returns a result, and is destroyed") {
    const int before = Addressless::alive; // other files of this program may have some
    check_all_ways<Addressless>();
    CHECK(Addressless::alive == before);
}

TEST_CASE("a value is moved twice, into the task and out of it, by what awaits the task directly") {
    CountsCopies::reset();
    CHECK(awaited_in_place<CountsCopies>() == 1);
    CHECK(CountsCopies::moves == 2);
    CountsCopies::reset();
    CHECK(awaited_by_temporary_handle<CountsCopies>() == 1);
    CHECK(CountsCopies::moves == 2);
    CountsCopies::reset();
    CHECK(run_on_a_loop<CountsCopies>() == 1);
    CHECK(CountsCopies::moves == 2);
}

TEST_CASE("a handle that is kept copies the value, by every function that awaits it") {
    VirtualTimePort port;
    Loop loop{port};
    const TaskHandle<CountsCopies> kept = loop.create_task(returns<CountsCopies>(1));
    CountsCopies::reset();
    CHECK(loop.run_until_complete(kept).number == 1);
    CHECK(CountsCopies::copies == 1);
    CHECK(kept.result().number == 1);
    CHECK(CountsCopies::copies == 2);
    loop.run([](TaskHandle<CountsCopies> handle) -> Task<> {
        const CountsCopies awaited = co_await handle;
        CHECK(awaited.number == 1);
        CHECK(CountsCopies::copies == 3);
        auto outcome = co_await handle.outcome();
        CHECK(outcome.value().number == 1);
        CHECK(CountsCopies::copies == 4);
        auto in_time = co_await try_wait_for(handle, 1s);
        CHECK(in_time.value().number == 1);
        CHECK(CountsCopies::copies == 5);
        auto first = co_await select(sleep(1s), handle);
        CHECK(std::get<1>(first).number == 1);
        CHECK(CountsCopies::copies == 6);
#if ROUSE_EXCEPTIONS
        const CountsCopies waited_for = co_await wait_for(handle, 1s);
        CHECK(waited_for.number == 1);
        CHECK(CountsCopies::copies == 7);
#endif
    }(kept));
    CHECK(kept.result().number == 1);
}

TEST_CASE("a handle that is kept moves a value that cannot be copied") {
    VirtualTimePort port;
    Loop loop{port};
    const auto number_of = [&loop]<class T>(T*) {
        const TaskHandle<T> kept = loop.create_task(returns<T>(1));
        return number_in(loop.run_until_complete(kept));
    };
    CHECK(number_of(static_cast<MoveOnly*>(nullptr)) == 1);
    CHECK(number_of(static_cast<Pointers*>(nullptr)) == 1);
}

TEST_CASE("a value that was moved out of a task is not handed out a second time, empty") {
    const auto told = misuse_of([] {
        VirtualTimePort port;
        Loop loop{port};
        const TaskHandle<std::string> kept = loop.create_task([]() -> Task<std::string> { co_return "value"; }());
        TaskHandle<std::string> given_up = kept;
        static_cast<void>(loop.run_until_complete(std::move(given_up)));
        static_cast<void>(kept.result());
    });
    CHECK(told.find("the value of the task was moved out before") != std::string::npos);
    CHECK(told.find("keep the handle in a variable") != std::string::npos);
}

TEST_CASE("a number that was moved out of a task can be asked for again") {
    VirtualTimePort port;
    Loop loop{port};
    const TaskHandle<int> kept = loop.create_task([]() -> Task<int> { co_return 3; }());
    TaskHandle<int> given_up = kept;
    CHECK(loop.run_until_complete(std::move(given_up)) == 3);
    CHECK(kept.result() == 3);
}
