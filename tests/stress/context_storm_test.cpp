// Tasks hand functions to the threads of a Context, which are cancelled and timed at any moment; and a Context ends
// while functions run and wait.
#include <array>

#include <rouse/rouse.hpp>
#include <rouse/threads/context.hpp>
#include <rouse/threads/unblock.hpp>

#include "stress/storm.hpp"

using namespace rouse;
using namespace test;
using namespace std::chrono_literals;

namespace {

// What a function gives: it can be seen whether all that were made have gone.
class Result {
public:
    explicit Result(int number) : number_{number} { ++alive; }
    Result(Result&& other) noexcept : number_{other.number_} { ++alive; }
    Result(const Result&) = delete;
    ~Result() { --alive; }
    [[nodiscard]] int number() const { return number_; }

    static inline std::atomic<int> alive{0};

private:
    int number_;
};

std::atomic<int> called{0};

Result work(int number, int turns) {
    spin(turns);
    ++called;
    return Result{number};
}

Task<> assign(Context& context, int number, int turns, int& returned) {
    const Result result = co_await context.assign(work, number, turns);
    if (result.number() != number) FAIL("the result of another function in round " << number);
    ++returned;
}

void none_left(int round) {
    if (Result::alive != 0) FAIL(Result::alive << " results are left after round " << round);
}

} // namespace

TEST_CASE("storm: functions on the threads of a Context, whose tasks are cancelled and timed") {
    auto main = []() -> Task<> {
        Context context{2, 1};
        Storm storm{"tasks and a Context"};
        Dice dice{1};
        while (storm.goes_on()) {
            int returned = 0;
            std::array<TaskHandle<>, 6> tasks;
            for (TaskHandle<>& task : tasks) {
                task = create_task(assign(context, storm.round(), dice(3000), returned));
                if (dice.one_in(3)) co_await yield();
            }
            int wanted = 0;
            for (TaskHandle<>& task : tasks) {
                const int way = dice(4);
                if (way == 0) {
                    task.cancel();
                } else if (way == 1) {
                    (void)co_await try_wait_for(task, std::chrono::microseconds{dice(30)});
                }
                co_await task.outcome();
                wanted += !task.cancelled();
            }
            if (returned != wanted)
                FAIL(wanted << " tasks ended, " << returned << " results in round " << storm.round());
        }
    };
    run(main());
    none_left(0);
}

TEST_CASE("storm: a Context ends while functions run, wait for a thread and wait for room") {
    auto main = []() -> Task<> {
        Storm storm{"Contexts that end", 50};
        Dice dice{2};
        while (storm.goes_on()) {
            int returned = 0, cancelled = 0;
            std::array<TaskHandle<>, 5> tasks;
            called = 0;
            {
                Context context{1, 1};
                for (TaskHandle<>& task : tasks)
                    task = create_task(assign(context, storm.round(), dice(3000), returned));
                co_await yield();
                if (dice.one_in(2)) co_await sleep(std::chrono::microseconds{dice(50)});
            }
            for (TaskHandle<>& task : tasks) {
                co_await task.outcome();
                cancelled += task.cancelled();
            }
            if (returned != called || returned + cancelled != 5) {
                FAIL(called << " functions called, " << returned << " results, " << cancelled << " cancelled in round "
                            << storm.round());
            }
            none_left(storm.round());
        }
    };
    run(main());
}

TEST_CASE("storm: functions on threads of their own, whose tasks are cancelled") {
    auto main = []() -> Task<> {
        Storm storm{"tasks and unblock", 50};
        Dice dice{3};
        while (storm.goes_on()) {
            bool returned = false;
            const auto call = [](int number, int turns, bool& has_returned) -> Task<> {
                const Result result = co_await unblock(work, number, turns);
                if (result.number() != number) FAIL("the result of another function in round " << number);
                has_returned = true;
            };
            auto task = create_task(call(storm.round(), dice(3000), returned));
            dice.linger();
            if (dice.one_in(2)) co_await yield();
            if (dice.one_in(2)) co_await sleep(std::chrono::microseconds{dice(80)});
            task.cancel();
            co_await task.outcome();
            if (task.cancelled() == returned) FAIL("cancelled and returned, or neither, in round " << storm.round());
        }
        while (Result::alive > 0) co_await sleep(1ms); // of those that ran on
    };
    run(main());
}
