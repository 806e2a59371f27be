// explore: which failures it tells apart, that a seed repeats them, and when a result counts.
#include <rouse/check/check.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;
using check::Failure;

rouse::Task<> wait_for(rouse::ThreadSafeFlag& flag) { co_await flag.wait(); }

TEST_CASE("a check that does not hold in one order is found, and one that holds in all passes") {
    const check::Result found = check::explore([] {
        check::Atomic<int> word{0};
        check::thread([&] { word.store(1); });
        check::expect(word.load() == 0, "the thread was first");
        check::join();
    });
    CHECK(found.kind == Failure::assertion);
    CHECK(found.failure == "the thread was first");
    CHECK_FALSE(found.passed());
    CHECK(check::explore([] { check::expect(true, "never"); }).passed());
}

TEST_CASE("an exception that leaves a context is a failure that quotes it") {
    const check::Result found = check::explore([] {
        check::thread([] { throw std::runtime_error{"no more cheese"}; });
        check::join();
    });
    CHECK(found.kind == Failure::assertion);
    CHECK(found.failure.find("no more cheese") != std::string::npos);
}

TEST_CASE("a race on plain data is told from one that is ordered") {
    const check::Result race = check::explore([] {
        int data = 0;
        check::thread([&] { data = 1; });
        data = 2;
        check::join();
    });
    CHECK(race.kind == Failure::data_race);
    CHECK(check::explore([] {
              int data = 0;
              check::thread([&] { data = 1; });
              check::join();
              data = 2;
          }).passed());
}

TEST_CASE("memory and atomics that are used after their end are found") {
    const check::Result memory = check::explore([] {
        const auto data = std::make_unique<int>(0);
        check::poison(data.get(), sizeof *data);
        *data = 1;
    });
    CHECK(memory.kind == Failure::use_after_end);
    const check::Result atomic = check::explore([] {
        auto word = std::make_unique<check::Atomic<int>>(0);
        check::thread([used = word.get()] { used->store(1); });
        word.reset();
        check::join();
    });
    CHECK((atomic.kind == Failure::use_after_end || atomic.kind == Failure::data_race));
    const check::Result same_context = check::explore([] {
        std::optional<check::Atomic<int>> word;
        word.emplace(0);
        const check::Atomic<int>* const used = &*word;
        word.reset();
        static_cast<void>(used->load());
    });
    CHECK(same_context.kind == Failure::use_after_end);
}

TEST_CASE("a loop that sleeps for ever is a lost wake; threads that wait for each other are a deadlock") {
    const check::Result sleeps = check::explore([] {
        rouse::ThreadSafeFlag flag;
        check::run(wait_for, flag);
    });
    CHECK(sleeps.kind == Failure::lost_wake);
    CHECK(sleeps.failure.find("main sleeps in its port") != std::string::npos);

    const check::Result locked = check::explore([] {
        std::mutex a, b;
        check::thread("left", [&] {
            const std::scoped_lock first{a};
            const std::scoped_lock second{b};
        });
        check::thread("right", [&] {
            const std::scoped_lock first{b};
            const std::scoped_lock second{a};
        });
        check::join();
    });
    CHECK(locked.kind == Failure::deadlock);
    CHECK(locked.failure.find("left waits for a mutex; right waits for a mutex") != std::string::npos);
}

TEST_CASE("an execution that does not end is found") {
    const check::Result found = check::explore([] {
        check::Atomic<int> word{0};
        while (word.load() == 0) {
        }
    });
    CHECK(found.kind == Failure::endless);
}

TEST_CASE("a program that is not the same each time is no evidence, and says so") {
    static int times = 0;
    times = 0;
    const check::Result found = check::explore([] {
        check::Atomic<int> word{0};
        check::thread([&] { word.store(1); });
        if (++times % 2 == 0) static_cast<void>(check::choose(3));
        static_cast<void>(word.load());
        check::join();
    });
    CHECK(found.kind == Failure::checker);
    CHECK_FALSE(found.passed());
}

TEST_CASE("a seed repeats the failure with the same story, and nothing else") {
    const auto program = [] {
        check::Atomic<int> data{0}, ready{0};
        check::thread("writer", [&] {
            data.store(1, std::memory_order_relaxed);
            ready.store(1, std::memory_order_relaxed);
        });
        if (ready.load(std::memory_order_acquire) == 1)
            check::expect(data.load(std::memory_order_relaxed) == 1, "the data is old");
        check::join();
    };
    const check::Result found = check::explore(program);
    REQUIRE(found.kind == Failure::assertion);
    CHECK(found.story.find("which is old: writer has stored 1, but nothing orders that before this load") !=
          std::string::npos);
    check::Options options;
    options.seed = found.seed;
    const check::Result again = check::explore(program, options);
    CHECK(again.kind == Failure::assertion);
    CHECK(again.failure == found.failure);
    CHECK(again.story == found.story);
    CHECK(again.executions == 1);

    options.seed = "7*3";
    CHECK(check::explore(program, options).kind == Failure::checker);
    options.seed = "nonsense";
    CHECK_THROWS_AS(check::explore(program, options), std::invalid_argument);
}

TEST_CASE("of the failures of a kind, the story is of one with as few preemptions as there can be") {
    const auto program = [] {
        check::Atomic<int> count{0};
        const auto add = [&] {
            const int before = count.load(std::memory_order_relaxed);
            count.store(before + 1, std::memory_order_relaxed);
        };
        check::thread("one", add);
        check::thread("two", add);
        check::thread("three", add);
        check::join();
        check::expect(count.load() == 3, "an addition is lost");
    };
    const check::Result found = check::explore(program);
    REQUIRE(found.kind == Failure::assertion);
    // By reading what is old, an addition is lost without any preemption.
    check::Options none;
    none.preemptions = 0;
    CHECK(check::explore(program, none).kind == Failure::assertion);
    CHECK(found.story.size() <= check::explore(program, none).story.size());
}

TEST_CASE("a result that was cut short has not passed") {
    check::Options options;
    options.most_executions = 2;
    const check::Result result = check::explore(
        [] {
            check::Atomic<int> word{0};
            check::thread([&] { word.store(1); });
            check::thread([&] { word.store(2); });
            check::join();
        },
        options);
    CHECK(result.kind == Failure::none);
    CHECK_FALSE(result.complete);
    CHECK_FALSE(result.passed());
}

TEST_CASE("preemptions are bounded, a wake without a reason and a thread that cannot start come only if asked for") {
    const auto program = [] {
        std::string order;
        check::Atomic<int> a{0}, b{0};
        check::thread([&] {
            a.store(1);
            b.store(1);
        });
        const int first = b.load();
        const int second = a.load();
        check::outcome(std::to_string(first) + std::to_string(second));
        check::join();
    };
    check::Options none;
    none.preemptions = 0;
    CHECK(check::explore(program, none).outcomes == std::set<std::string>{"00"});
    CHECK(check::explore(program).outcomes == std::set<std::string>{"00", "01", "11"});

    const auto starts = [] {
        try {
            std::thread{[] {}}.join();
            check::outcome("started");
        } catch (const std::system_error&) {
            check::outcome("refused");
        }
    };
    CHECK(check::explore(starts).outcomes == std::set<std::string>{"started"});
    check::Options fewer;
    fewer.no_threads = 1;
    CHECK(check::explore(starts, fewer).outcomes == std::set<std::string>{"refused", "started"});
}

// Three contexts of many steps each: far more orders than can be explored. One of them takes the counts in two steps.
void many_steps(bool atomic, check::Atomic<int>& count) {
    for (int i = 0; i < 20; ++i) {
        if (atomic) {
            count.fetch_add(1, std::memory_order_relaxed);
        } else {
            const int before = count.load(std::memory_order_relaxed);
            count.store(before + 1, std::memory_order_relaxed);
        }
    }
}

TEST_CASE("samples find a fault in a program that is too large to be explored, and tell a short story") {
    const auto program = [](bool atomic) {
        return [atomic] {
            check::Atomic<int> count{0}, others{0};
            check::thread("one", [&, atomic] { many_steps(atomic, count); });
            check::thread("two", [&] { many_steps(true, count); });
            check::thread("three", [&] { many_steps(true, others); });
            check::join();
            check::expect(count.load() == 40, "a count is lost");
        };
    };
    check::Options options;
    options.samples = 200;
    CHECK(check::explore(program(true), options).passed());
    CHECK(check::explore(program(true), options).executions == 200);

    const check::Result found = check::explore(program(false), options);
    REQUIRE(found.kind == Failure::assertion);
    CHECK(check::explore(program(false), options).story == found.story);
    // What is left: that two comes between a load and the store that follows it, once, or that a load reads what is
    // old.
    std::size_t switches = 0;
    std::string last;
    for (std::size_t at = 0; at < found.story.size(); at = found.story.find('\n', at) + 1) {
        const std::string name = found.story.substr(at + 7, 5);
        switches += name != last;
        last = name;
    }
    INFO(found.story);
    CHECK(switches <= 6); // "one" begins, "two" comes in between, "one", "three", main

    check::Options replay;
    replay.seed = found.seed;
    CHECK(check::explore(program(false), replay).story == found.story);
}

TEST_CASE("what a sample's failure does not need is left out of its story") {
    check::Options options;
    options.samples = 100;
    const check::Result found = check::explore(
        [] {
            int chosen[12];
            for (int& each : chosen) each = check::choose(2);
            check::expect(chosen[2] == 0 || chosen[11] == 0, "both");
        },
        options);
    CHECK(found.seed == "0*2,1,0*8,1");
}

TEST_CASE("another random seed draws other decisions") {
    const auto program = [] {
        std::string order;
        for (int i = 0; i < 4; ++i) order += static_cast<char>('0' + check::choose(10));
        check::outcome(order);
    };
    check::Options options;
    options.samples = 100;
    const auto first = check::explore(program, options).outcomes;
    CHECK(first.size() > 90);
    options.random_seed = 1'000'000;
    CHECK(check::explore(program, options).outcomes != first);
}

TEST_CASE("explore() in a checked program is refused") {
    const check::Result result = check::explore([] {
        bool refused = false;
        try {
            check::explore([] {});
        } catch (const std::logic_error&) {
            refused = true;
        }
        check::expect(refused, "explored within an exploration");
    });
    CHECK(result.passed());
}

} // namespace
