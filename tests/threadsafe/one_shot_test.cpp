#include <rouse/threadsafe/one_shot.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#if ROUSE_HOSTED
#include <thread>
#include <vector>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"
#include "support/value_types.hpp"

using namespace test;

namespace {

constinit OneShot<unsigned> global;
constinit OneShot<unsigned>::Sender global_sender;

Task<> get_one(OneShot<int>& shot, Log& log) {
    const int value = co_await shot.get();
    log(value);
}
Task<std::optional<int>> next_of(OneShot<int>& shot) { co_return co_await shot.next(); }

} // namespace

TEST_CASE("an answer set before get is not lost, and one set after it wakes the task") {
    auto main = []() -> Task<> {
        OneShot<int> before;
        auto sender = before.sender();
        CHECK(!before.is_set());
        CHECK(sender.set(1));
        CHECK(before.is_set());
        const int first = co_await before.get();
        CHECK(first == 1);

        OneShot<int> after;
        Log log;
        auto other = after.sender();
        auto handle = create_task(get_one(after, log));
        co_await sleep(1s);
        CHECK(!handle.done());
        CHECK(other.set(2));
        CHECK(log == ""); // never resumed by the sender
        co_await handle;
        CHECK(log == "2");
    };
    run_virtual(main());
}

TEST_CASE("a sender sets one value; a later one is refused and stays with the caller") {
    OneShot<std::unique_ptr<int>> shot;
    auto sender = shot.sender();
    CHECK(static_cast<bool>(sender));
    CHECK(sender.set(std::make_unique<int>(1)));
    CHECK(!static_cast<bool>(sender));
    auto refused = std::make_unique<int>(2);
    CHECK(!sender.set(std::move(refused)));
    CHECK(refused != nullptr);
    CHECK(*refused == 2);
    auto main = [&]() -> Task<> {
        const auto value = co_await shot.get();
        CHECK(*value == 1);
    };
    run_virtual(main());
}

TEST_CASE("a sender can be moved; what it was moved from is empty and refuses every value") {
    OneShot<int> shot;
    OneShot<int>::Sender empty;
    CHECK(!static_cast<bool>(empty));
    CHECK(!empty.set(1));
    auto first = shot.sender();
    OneShot<int>::Sender second{std::move(first)};
    CHECK(!first.set(1)); // NOLINT: moved from
    empty = std::move(second);
    auto& same = empty;
    empty = std::move(same);
    CHECK(!shot.is_set());
    CHECK(empty.set(3));
    CHECK(shot.is_set());
}

TEST_CASE("a sender destroyed without an answer ends next with nothing") {
    auto main = []() -> Task<> {
        OneShot<int> shot;
        auto handle = create_task(next_of(shot));
        {
            const auto sender = shot.sender();
            co_await sleep(1s);
            CHECK(!handle.done());
        }
        const auto nothing = co_await handle;
        CHECK(!nothing.has_value());
        const auto again = co_await shot.next();
        CHECK(!again.has_value());
    };
    run_virtual(main());
}

TEST_CASE("assigning to a sender drops what it was for") {
    auto main = []() -> Task<> {
        OneShot<int> a, b;
        auto sender = a.sender();
        sender = b.sender();
        const auto nothing = co_await a.next();
        CHECK(!nothing.has_value());
        CHECK(sender.set(4));
        const auto value = co_await b.next();
        CHECK(value == 4);
    };
    run_virtual(main());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("a sender destroyed without an answer ends get with an AbandonedError") {
    auto main = []() -> Task<> {
        OneShot<int> shot;
        {
            const auto dropped = shot.sender();
        }
        co_await shot.get();
    };
    CHECK_THROWS_AS(run_virtual(main()), AbandonedError);
    CHECK(std::string{AbandonedError{}.what()} == "rouse: the awaited operation was abandoned");
}

TEST_CASE("if making the value throws, the sender stays live; if moving it out throws, the value stays") {
    static int throws = 0;
    struct Fragile {
        explicit Fragile(int n) : number{n} {
            if (n < 0) throw n;
        }
        Fragile(Fragile&& other) : number{other.number} {
            if (throws > 0) throw throws--;
        }
        int number;
    };
    auto main = []() -> Task<> {
        OneShot<Fragile> shot;
        auto sender = shot.sender();
        CHECK_THROWS_AS(sender.set(-1), int);
        CHECK(!shot.is_set());
        CHECK(sender.set(5));
        throws = 1;
        bool thrown = false;
        try {
            co_await shot.get();
        } catch (int) {
            thrown = true;
        }
        CHECK(thrown);
        const Fragile value = co_await shot.get();
        CHECK(value.number == 5);
    };
    run_virtual(main());
}
#else
TEST_CASE("without exceptions, get of a dropped sender is a panic that names next") {
    auto main = []() -> Task<> {
        OneShot<int> shot;
        {
            const auto dropped = shot.sender();
        }
        co_await shot.get();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "use next() where exceptions are off"));
}
#endif

TEST_CASE("a cancelled get leaves the answer for the next get") {
    OneShot<int> shot;
    Log log;
    auto main = [&]() -> Task<> {
        auto sender = shot.sender();
        auto handle = create_task(get_one(shot, log));
        co_await yield();
        CHECK(sender.set(6)); // it is woken, and cancelled before it resumes
        CHECK(handle.cancel());
        co_await handle.outcome();
        CHECK(handle.cancelled());
        CHECK(shot.is_set());
        const int value = co_await shot.get();
        CHECK(value == 6);
    };
    run_virtual(main());
    CHECK(log == "");
}

TEST_CASE("a get that times out leaves a later answer for the next get") {
    OneShot<int> shot;
    auto main = [&]() -> Task<> {
        auto sender = shot.sender();
        const auto outcome = co_await try_wait_for(shot.get(), 1s);
        CHECK(outcome.timed_out());
        CHECK(sender.set(7));
        const auto in_time = co_await try_wait_for(shot.get(), 1s);
        REQUIRE(in_time.has_value());
        CHECK(in_time.value() == 7);
    };
    run_virtual(main());
}

TEST_CASE("the answer that loses a select stays") {
    OneShot<int> a, b;
    auto main = [&]() -> Task<> {
        auto to_a = a.sender();
        auto to_b = b.sender();
        CHECK(to_b.set(2));
        CHECK(to_a.set(1));
        const auto first = co_await select(a.get(), b.get());
        CHECK(first.index() == 0);
        const int second = co_await b.get();
        CHECK(second == 2);
    };
    run_virtual(main());
}

TEST_CASE("the next sender is for the next answer; one that no task has taken is discarded") {
    auto main = []() -> Task<> {
        OneShot<CountsCopies> shot;
        const int alive = CountsCopies::alive;
        for (int n = 0; n < 3; ++n) {
            auto sender = shot.sender();
            CHECK(!shot.is_set());
            CHECK(sender.set(n));
            CHECK(CountsCopies::alive == alive + 1);
        }
        const CountsCopies last = co_await shot.get();
        CHECK(last.number == 2);
        CHECK(CountsCopies::alive == alive + 1); // `last` alone
        auto sender = shot.sender();
        auto answers = [](OneShot<CountsCopies>::Sender mine) -> Task<> {
            mine.set(3);
            co_return;
        };
        create_task(answers(std::move(sender)));
        const CountsCopies next = co_await shot.get();
        CHECK(next.number == 3);
    };
    run_virtual(main());
}

TEST_CASE("an answer that no task has taken is destroyed with the OneShot") {
    const int alive = CountsCopies::alive;
    {
        OneShot<CountsCopies> shot;
        CHECK(shot.sender().set(1));
        CHECK(CountsCopies::alive == alive + 1);
    }
    CHECK(CountsCopies::alive == alive);
}

TEST_CASE("the task that is woken may destroy the OneShot at once") {
    auto main = []() -> Task<> {
        auto shot = std::make_unique<OneShot<int>>();
        auto waits = [](std::unique_ptr<OneShot<int>> mine) -> Task<int> {
            const int value = co_await mine->get();
            mine.reset();
            co_return value;
        };
        auto sender = shot->sender();
        auto handle = create_task(waits(std::move(shot)));
        co_await yield();
        CHECK(sender.set(8));
        const int value = co_await handle;
        CHECK(value == 8);
        CHECK(!sender.set(9));
    };
    run_virtual(main());
}

TEST_CASE("a OneShot destroyed while a task waits leaves it waiting until it is cancelled") {
    auto main = []() -> Task<> {
        Log log;
        TaskHandle<> waiting;
        {
            OneShot<int> shot;
            waiting = create_task(get_one(shot, log));
            co_await yield();
        }
        co_await sleep(1s);
        CHECK(!waiting.done());
        waiting.cancel();
        co_await waiting.outcome();
        CHECK(waiting.cancelled());
    };
    run_virtual(main());
}

TEST_CASE("misuse of a OneShot is a clear error") {
    auto second_sender = []() -> Task<> {
        OneShot<int> shot;
        const auto first = shot.sender();
        std::ignore = shot.sender();
        co_return;
    };
    CHECK(
        contains(misuse_of([&] { run_virtual(second_sender()); }), "rouse: OneShot::sender: the last sender is live"));
    auto too_early = []() -> Task<> {
        OneShot<int> shot;
        Log log;
        auto sender = shot.sender();
        auto handle = create_task(get_one(shot, log));
        co_await yield();
        sender.set(1);
        std::ignore = shot.sender(); // handle has not resumed
    };
    CHECK(contains(misuse_of([&] { run_virtual(too_early()); }), "rouse: OneShot::sender: a task waits"));
    auto second_getter = []() -> Task<> {
        OneShot<int> shot;
        Log log;
        create_task(get_one(shot, log));
        co_await yield();
        co_await shot.get();
    };
    CHECK(contains(misuse_of([&] { run_virtual(second_getter()); }), "rouse: OneShot::get: another task waits"));
    auto taken_twice = []() -> Task<> {
        OneShot<int> shot;
        shot.sender().set(1);
        co_await shot.get();
        co_await shot.get();
    };
    CHECK(contains(misuse_of([&] { run_virtual(taken_twice()); }), "the answer has been taken already"));
    auto gone = []() -> Task<> {
        auto shot = std::make_unique<OneShot<int>>();
        Log log;
        auto handle = create_task(get_one(*shot, log));
        co_await yield();
        shot->sender().set(1);
        shot.reset();
        co_await handle;
    };
    CHECK(contains(misuse_of([&] { run_virtual(gone()); }), "the OneShot was destroyed after it had woken this task"));
}

#if ROUSE_HOSTED // processes and threads
TEST_CASE("destroying a OneShot whose sender is live is a panic") {
    CHECK(contains(panic_of([] {
                       OneShot<int>::Sender outlives;
                       OneShot<int> shot;
                       outlives = shot.sender();
                   }),
                   "rouse: ~OneShot: its sender is live"));
}

TEST_CASE("an answer from a thread arrives, whole and once, and what was written before is seen") {
    constexpr int rounds = 3'000;
    int written = 0; // not atomic: the answer orders it
    int wrong = 0;
    auto main = [&]() -> Task<> {
        OneShot<std::string> shot;
        for (int n = 0; n < rounds; ++n) {
            std::thread thread{[&written, n, sender = shot.sender()]() mutable {
                spin(n % 512);
                written = n;
                sender.set(std::to_string(n) + ", an answer too long for the string itself");
            }};
            const std::string answer = co_await shot.get();
            wrong += written != n || answer.rfind(std::to_string(n) + ",", 0) != 0;
            thread.join();
        }
    };
    run(main());
    CHECK(wrong == 0);
}

TEST_CASE("a thread that drops its sender ends the wait, and the OneShot may end at once") {
    constexpr int rounds = 3'000;
    int answered = 0, dropped = 0;
    auto main = [&]() -> Task<> {
        for (int n = 0; n < rounds; ++n) {
            auto shot = std::make_unique<OneShot<int>>();
            std::thread thread{[n, sender = shot->sender()]() mutable {
                spin(n % 512);
                if (n % 2 == 0) sender.set(n);
            }};
            const auto answer = co_await shot->next();
            shot.reset();
            (answer.has_value() ? answered : dropped) += 1;
            thread.join();
        }
    };
    run(main());
    CHECK(answered == rounds / 2);
    CHECK(dropped == rounds / 2);
}
#endif

TEST_CASE("an answer set by a signal handler wakes the loop") {
    static std::atomic<unsigned> handled{0};
    SignalTimer timer{[](int) {
        handled = handled + 1;
        if (handled % 4 == 0) {
            global_sender = {}; // dropped
        } else {
            global_sender.set(handled);
        }
    }};
    constexpr unsigned rounds = 1'000;
    unsigned wrong = 0;
    auto main = [&]() -> Task<> {
        for (unsigned round = 1; round <= rounds; ++round) {
            global_sender = global.sender();
            timer.arm(1'000 + static_cast<long>(round) * 7 % 3'000);
            const auto answer = co_await global.next();
            wrong += round % 4 == 0 ? answer.has_value() : answer != round;
        }
    };
    run(main());
    CHECK(wrong == 0);
}
