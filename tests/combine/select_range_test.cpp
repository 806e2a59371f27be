#include <rouse/combine/select.hpp>

#include <array>
#include <memory>
#include <span>
#include <vector>
#if ROUSE_EXCEPTIONS
#include <stdexcept>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

Task<int> marked(Log& log, int value, Clock::duration time) {
    Mark mark{log, std::to_string(value) + " gone"};
    co_await sleep(time);
    co_return value;
}

} // namespace

TEST_CASE("select of a range returns which element was first, and its value; handles that lose continue") {
    Log log;
    run_virtual([](Log& ends) -> Task<> {
        std::vector<TaskHandle<int>> handles;
        for (const int seconds : {3, 1, 2}) handles.push_back(create_task(marked(ends, seconds, seconds * 1s)));
        auto [index, value] = co_await select(handles);
        CHECK(index == 1);
        CHECK(value == 1);
        CHECK(ends == "1 gone");
        const auto again = co_await select(std::span{handles}.subspan(2)); // any range
        CHECK(again.index == 0);
        CHECK(again.value == 2);
        const auto one_that_has_ended = co_await select(handles);
        CHECK(one_that_has_ended.index == 1);
        const int last = co_await handles[0];
        CHECK(last == 3);
    }(log));
    CHECK(log == "1 gone 2 gone 3 gone");
}

TEST_CASE("select of a range of Tasks starts them, cancels those that lose, and returns when they have ended") {
    Log log;
    run_virtual([](Log& ends) -> Task<> {
        std::vector<Task<int>> tasks;
        for (const int seconds : {3, 1, 2}) tasks.push_back(marked(ends, seconds, seconds * 1s));
        const auto first = co_await select(std::move(tasks));
        CHECK(first.index == 1);
        CHECK(first.value == 1);
        CHECK(ends == "1 gone 3 gone 2 gone");
    }(log));
}

TEST_CASE("select takes arrays of Tasks, of handles and of objects' waits") {
    Log log;
    run_virtual([](Log& ends) -> Task<> {
        std::array argument1{marked(ends, 2, 2s), marked(ends, 1, 1s)};
        const auto of_tasks = co_await select(std::move(argument1));
        CHECK(of_tasks.index == 1);
        TaskHandle<int> handles[2] = {create_task(marked(ends, 3, 2s)), create_task(marked(ends, 4, 1s))};
        const auto of_handles = co_await select(handles);
        CHECK(of_handles.index == 1);
        CHECK(of_handles.value == 4);
        ThreadSafeQueue<int, 2> queues[2];
        auto put_later = [](ThreadSafeQueue<int, 2>& queue) -> Task<> {
            co_await sleep(1s);
            static_cast<void>(queue.put_sync(7));
        };
        auto putting = create_task(put_later(queues[1]));
        std::array argument2{queues[0].get(), queues[1].get()};
        const auto of_waits = co_await select(std::move(argument2));
        CHECK(of_waits.index == 1);
        CHECK(of_waits.value == 7);
        CHECK(queues[0].put_sync(8)); // the wait that lost takes nothing
        CHECK(queues[0].get_sync() == 8);
        co_await putting;
    }(log));
}

TEST_CASE("of a range, the first element that is ready wins without a wait, and no Task is started") {
    Log log;
    run_virtual([](Log& ends) -> Task<> {
        auto ready = create_task(marked(ends, 1, 0s));
        co_await ready;
        std::vector<TaskHandle<int>> handles{ready, ready};
        const auto first = co_await select(handles);
        CHECK(first.index == 0);
        Event events[3];
        events[1].set();
        events[2].set();
        std::array argument3{events[0].wait(), events[1].wait(), events[2].wait()};
        const auto of_events = co_await select(std::move(argument3));
        CHECK(of_events.index == 1);
    }(log));
}

TEST_CASE("of a range, a void result is Nothing, a reference a pointer, and a move-only result is moved") {
    run_virtual([]() -> Task<> {
        auto nothing = []() -> Task<> { co_return; };
        std::array argument4{nothing()};
        const auto of_nothing = co_await select(std::move(argument4));
        CHECK(std::is_same_v<decltype(of_nothing.value), Nothing>);
        static int number = 5;
        auto reference = []() -> Task<int&> { co_return number; };
        std::array argument5{reference()};
        const auto of_reference = co_await select(std::move(argument5));
        CHECK(of_reference.value == &number);
        auto unique = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
        std::vector<Task<std::unique_ptr<int>>> tasks;
        tasks.push_back(unique());
        const auto of_unique = co_await select(std::move(tasks));
        CHECK(*of_unique.value == 6);
    }());
}

TEST_CASE("cancelling a task that selects from a range cancels the Tasks and not the handles") {
    Log log;
    run_virtual([](Log& ends) -> Task<> {
        std::vector<TaskHandle<int>> handles{create_task(marked(ends, 1, 3s))};
        auto of_handles = [](std::vector<TaskHandle<int>>& from) -> Task<> { co_await select(from); };
        auto of_tasks = [](Log& log_of_ends) -> Task<> {
            std::array argument6{marked(log_of_ends, 2, 3s), marked(log_of_ends, 3, 3s)};
            co_await select(std::move(argument6));
        };
        auto first = create_task(of_handles(handles));
        auto second = create_task(of_tasks(ends));
        co_await sleep(1s);
        first.cancel();
        second.cancel();
        const auto first_end = co_await first.outcome();
        const auto second_end = co_await second.outcome();
        CHECK(first_end.cancelled());
        CHECK(second_end.cancelled());
        CHECK(ends == "2 gone 3 gone");
        const int value = co_await handles[0];
        CHECK(value == 1);
    }(log));
}

TEST_CASE("a select of a range can have a time limit, and loses nothing by it") {
    run_virtual([]() -> Task<> {
        ThreadSafeQueue<int, 2> queues[2];
        std::array argument7{queues[0].get(), queues[1].get()};
        const auto none = co_await try_wait_for(select(std::move(argument7)), 1s);
        CHECK(none.timed_out());
        CHECK(queues[0].put_sync(1));
        std::array argument8{queues[0].get(), queues[1].get()};
        const auto one = co_await try_wait_for(select(std::move(argument8)), 1s);
        CHECK(one.has_value());
        CHECK(one.value().value == 1);
    }());
}

TEST_CASE("destroying a loop while a task selects from a range destroys everything") {
    Log log;
    {
        VirtualTimePort port;
        Loop loop{port};
        auto selecting = [](Log& ends) -> Task<> {
            std::vector<Task<int>> tasks;
            tasks.push_back(marked(ends, 1, 1s));
            tasks.push_back(marked(ends, 2, 1s));
            co_await select(std::move(tasks));
        };
        loop.create_task(selecting(log));
        loop.run(marked(log, 3, 0s));
        loop.create_task(selecting(log));
        loop.poll();
    }
    CHECK(log == "3 gone 1 gone 2 gone 1 gone 2 gone");
}

TEST_CASE("select of an empty range is a clear error") {
    auto main = []() -> Task<> {
        std::vector<TaskHandle<int>> none;
        co_await select(none);
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "rouse: select: the range is empty"));
}

#if ROUSE_EXCEPTIONS
TEST_CASE("select of a range throws what the winner throws") {
    run_virtual([]() -> Task<> {
        auto fails = []() -> Task<int> {
            co_await yield();
            throw std::runtime_error{"no"};
        };
        std::vector<TaskHandle<int>> handles{create_task(fails())};
        bool thrown = false;
        try {
            co_await select(handles);
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        CHECK(thrown);
    }());
}
#endif
