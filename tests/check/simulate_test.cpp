// simulate: what it lets happen, what it finds, and how short it makes it.
#include <rouse/check/simulate.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;
using namespace std::chrono_literals;
using rouse::Task;

// The driver of a UART: the handler counts bytes, a task takes them off. With the flag cleared at the wrong end, a byte
// that comes between the two is not noticed.
struct Driver {
    rouse::ThreadSafeFlag arrived;
    int pending = 0;
    int taken = 0;
    bool careful = true;

    void on_byte() {
        ++pending;
        arrived.set();
    }
    Task<> take(int wanted) {
        while (taken < wanted) {
            co_await arrived.wait();
            taken += std::exchange(pending, 0);
            co_await rouse::yield(); // handles them
            if (!careful) arrived.clear();
        }
    }
};

void drive(check::SimulatedRun& run, bool careful) {
    Driver driver;
    driver.careful = careful;
    const int bytes = 1 + static_cast<int>(run.choose(6));
    for (int i = 0; i < bytes; ++i) run.interrupt("uart", [&driver] { driver.on_byte(); });
    run.run(driver.take(bytes));
    run.expect(driver.taken == bytes, "a byte is lost");
}

TEST_CASE("a careful driver passes all runs; one that clears its flag at the wrong end waits for ever") {
    const auto well = check::simulate([](check::SimulatedRun& run) { drive(run, true); });
    INFO(well.failure << '\n' << well.story);
    CHECK(well.passed());
    CHECK(well.runs == 1000);
    CHECK(well.steps > 2000);
    CHECK(well.seed.empty());

    const auto report = check::simulate([](check::SimulatedRun& run) { drive(run, false); });
    REQUIRE(report.failed);
    CHECK_FALSE(report.passed());
    CHECK(report.failure == "all tasks wait for ever: main waits for a ThreadSafeFlag");
}

TEST_CASE("a failure is made short: two bytes are enough to lose one") {
    const auto report = check::simulate([](check::SimulatedRun& run) { drive(run, false); });
    REQUIRE(report.failed);
    INFO(report.story);
    CHECK(std::count(report.story.begin(), report.story.end(), '\n') <= 6);
    std::size_t interrupts = 0;
    for (std::size_t at = 0; (at = report.story.find("uart comes", at)) != std::string::npos; ++at) ++interrupts;
    CHECK(interrupts == 2);
    CHECK(report.story.find("late") == std::string::npos);
}

TEST_CASE("the seed of a report repeats the run, and the seed of the options the whole search") {
    const auto body = [](check::SimulatedRun& run) { drive(run, false); };
    const auto report = check::simulate(body);
    const auto same = check::simulate(body);
    REQUIRE(report.failed);
    CHECK(same.runs == report.runs);
    CHECK(same.story == report.story);
    CHECK(same.seed == report.seed);
    CHECK(report.failed_seed == report.runs);

    check::SimulationOptions options;
    options.replay = report.seed;
    const auto again = check::simulate(body, options);
    CHECK(again.runs == 1);
    CHECK(again.failure == report.failure);
    CHECK(again.story == report.story);

    options.replay.clear();
    options.seed = report.failed_seed;
    const auto there = check::simulate(body, options);
    CHECK(there.runs == 1);
    CHECK(there.story == report.story);
}

TEST_CASE("what is not a seed of a report is refused") {
    check::SimulationOptions options;
    for (const char* text : {"x", "1,", "1*", "3;4", "1*99999999"}) {
        options.replay = text;
        CHECK_THROWS_WITH(check::simulate([](check::SimulatedRun&) {}, options),
                          "rouse: check::simulate: this is not a seed of a report");
    }
}

TEST_CASE("tasks that are ready run in the order that is promised, in every run") {
    const auto report = check::simulate([](check::SimulatedRun& run) {
        std::vector<int> order;
        run.run([](std::vector<int>& into) -> Task<> {
            rouse::Event event;
            const auto wait = [](std::vector<int>& list, rouse::Event& of, int number) -> Task<> {
                co_await of.wait();
                list.push_back(number);
            };
            const auto a = rouse::create_task(wait(into, event, 1));
            const auto b = rouse::create_task(wait(into, event, 2));
            const auto c = rouse::create_task(wait(into, event, 3));
            co_await rouse::yield();
            event.set();
            co_await a;
            co_await b;
            co_await c;
        }(order));
        run.expect(order == std::vector{1, 2, 3}, "the order of waiting is not the order of waking");
    });
    INFO(report.failure);
    CHECK(report.passed());
}

TEST_CASE("an interrupt comes before, between, during and after what tasks do") {
    std::set<std::string> seen;
    const auto report = check::simulate([&seen](check::SimulatedRun& run) {
        std::string order;
        run.interrupt("i", [&order] { order += 'i'; });
        run.run([](std::string& into) -> Task<> {
            into += 'a';
            co_await rouse::yield();
            into += 'b';
            co_await rouse::sleep(10ms);
            into += 'c';
        }(order));
        seen.insert(order);
    });
    CHECK(report.passed());
    CHECK(seen == std::set<std::string>{"iabc", "aibc", "abic", "abc"});
}

TEST_CASE("a sleep may end late, but never early, and not at all late if the options say so") {
    rouse::Clock::duration latest{};
    const auto body = [&latest](check::SimulatedRun& run) {
        run.run([](rouse::Clock::duration& most) -> Task<> {
            const auto before = rouse::Clock::now();
            co_await rouse::sleep(3ms);
            const auto slept = rouse::Clock::now() - before;
            if (slept < 3ms) throw std::logic_error{"too early"};
            most = std::max<rouse::Clock::duration>(most, slept);
        }(latest));
    };
    check::SimulationOptions options;
    options.late = 8ms;
    CHECK(check::simulate(body, options).passed());
    CHECK(latest > 3ms);
    CHECK(latest <= 3ms + 3 * 8ms); // the steps, and the wake
    latest = {};
    options.late = {};
    CHECK(check::simulate(body, options).passed());
    CHECK(latest == 3ms);
}

TEST_CASE("two timers fire in one turn in some runs and in two turns in others") {
    std::set<std::string> seen;
    const auto report = check::simulate([&seen](check::SimulatedRun& run) {
        std::string order;
        run.run([](std::string& into) -> Task<> {
            const auto first = rouse::create_task([](std::string& list) -> Task<> {
                co_await rouse::sleep(1ms);
                list += 'a';
                co_await rouse::yield();
                list += 'b';
            }(into));
            co_await rouse::sleep(2ms);
            into += 'c';
            co_await first;
        }(order));
        seen.insert(order);
    });
    CHECK(report.passed());
    CHECK(seen == std::set<std::string>{"abc", "acb", "cab"}); // cab: the first to sleep was asked to late
}

TEST_CASE("a fault that the program asks for comes in some runs, is in the story, and in a short run only if needed") {
    const auto report = check::simulate([](check::SimulatedRun& run) {
        rouse::Queue<int> queue{2};
        int refused = 0;
        for (int i = 0; i < 5; ++i) refused += run.fault("the peer is silent");
        for (int i = 0; i < 5; ++i) refused += run.fault("the queue is full");
        run.expect(refused < 2, "two are refused");
    });
    REQUIRE(report.failed);
    CHECK(report.failure == "two are refused");
    CHECK(std::count(report.story.begin(), report.story.end(), '\n') == 2);
}

TEST_CASE("choices are made plain: the smallest program that fails is what is reported") {
    const auto report = check::simulate([](check::SimulatedRun& run) {
        std::vector<std::uint32_t> program;
        for (std::uint32_t n = run.choose(30); n > 0; --n) program.push_back(run.choose(100));
        std::uint32_t sum = 0;
        for (const std::uint32_t each : program) sum += each >= 40 ? 1 : 0;
        if (sum >= 2) run.note("of " + std::to_string(program.size()));
        run.expect(sum < 2, "two are too large");
    });
    REQUIRE(report.failed);
    CHECK(report.story == "0 ms  of 2\n");
    CHECK(report.seed.rfind("2,", 0) == 0);
}

TEST_CASE("what arrives between two steps is taken in before the next one, or later, up to the end of the turn") {
    std::set<std::string> seen;
    const auto report = check::simulate([&seen](check::SimulatedRun& run) {
        std::string order;
        rouse::ThreadSafeFlag flag;
        run.interrupt("i", [&order, &flag] {
            order += 'i';
            flag.set();
        });
        run.run([](std::string& into, rouse::ThreadSafeFlag& of) -> Task<> {
            const auto waiter = rouse::create_task([](std::string& list, rouse::ThreadSafeFlag& flag_of) -> Task<> {
                co_await flag_of.wait();
                list += 'f';
            }(into, of));
            for (int i = 0; i < 4; ++i) {
                co_await rouse::yield();
                into += 'a';
            }
            co_await waiter;
        }(order, flag));
        seen.insert(order);
    });
    INFO(report.failure);
    CHECK(report.passed());
    CHECK(seen.count("aiafaa") == 1); // taken in at once, and made ready behind the task that yields
    CHECK(seen.count("aiaaaf") == 1); // taken in when nothing is ready
    CHECK(seen.count("aaaaif") == 1);
}

TEST_CASE("a failure is made short to itself, and not to another one that is plainer") {
    const auto body = [](check::SimulatedRun& run) {
        const std::uint32_t size = run.choose(10);
        run.expect(size == 0 || size > 3, "small");
        run.expect(size < 5, "large");
    };
    std::set<std::string> failures;
    check::SimulationOptions options;
    options.runs = 1;
    for (options.seed = 1; options.seed <= 40; ++options.seed) {
        const auto report = check::simulate(body, options);
        if (report.failed) failures.insert(report.failure + ' ' + report.seed);
    }
    CHECK(failures == std::set<std::string>{"small 1", "large 5"});
}

TEST_CASE("every way to fail is reported as what it is") {
    const auto failure_of = [](auto body) { return check::simulate(body).failure; };
    CHECK(failure_of([](check::SimulatedRun& run) { run.expect(false, "never"); }) == "never");
    CHECK(failure_of([](check::SimulatedRun& run) {
              run.run([]() -> Task<> {
                  throw std::runtime_error{"no more cheese"};
                  co_return;
              }());
          }) == "no more cheese");
    CHECK(failure_of([](check::SimulatedRun&) { throw 1; }) == "an exception that is not a std::exception");
    CHECK(failure_of([](check::SimulatedRun& run) {
              run.run([]() -> Task<> {
                  static_cast<void>(rouse::create_task(
                      []() -> Task<> {
                          throw std::runtime_error{"unseen"};
                          co_return;
                      }(),
                      "background"));
                  co_await rouse::sleep(1ms);
              }());
          }) == "an exception ends a task that no one awaits: background: unseen");
    CHECK(failure_of([](check::SimulatedRun& run) {
              rouse::Event never;
              run.run([](rouse::Event& event) -> Task<> { co_await event.wait(); }(never));
          }) == "all tasks wait for ever: main waits for an Event");
    CHECK(failure_of([](check::SimulatedRun& run) {
              run.interrupt("uart", [&run] { run.expect(false, "in the handler"); });
              run.run([]() -> Task<> { co_await rouse::sleep(1h); }());
          }) == "in the handler");
    check::SimulationOptions options;
    options.most_steps = 100;
    options.shrink_attempts = 10;
    CHECK(check::simulate(
              [](check::SimulatedRun& run) {
                  run.run([]() -> Task<> {
                      for (;;) co_await rouse::yield();
                  }());
              },
              options)
              .failure == "it does not end");
}

TEST_CASE("expect() is remembered even if the exception is caught") {
    const auto report = check::simulate([](check::SimulatedRun& run) {
        try {
            run.expect(false, "swallowed");
        } catch (const std::exception&) {
        }
    });
    CHECK(report.failure == "swallowed");
}

TEST_CASE("a program that does not do the same each time is a failure that says so") {
    int runs = 0;
    const auto report =
        check::simulate([&runs](check::SimulatedRun& run) { run.expect(++runs != 3, "only the third time"); });
    CHECK(report.runs == 3);
    CHECK(report.failure == "only the third time (but not again: the program does not do the same each time)");
}

TEST_CASE("tasks that are left are cancelled when main has ended, and run() returns what main returns") {
    bool unwound = false;
    const auto report = check::simulate([&unwound](check::SimulatedRun& run) {
        unwound = false;
        struct Guard {
            bool& flag;
            ~Guard() { flag = true; }
        };
        const int value = run.run([](bool& flag) -> Task<int> {
            static_cast<void>(rouse::create_task([](bool& of) -> Task<> {
                const Guard guard{of};
                co_await rouse::sleep(1h);
            }(flag)));
            co_await rouse::yield();
            co_return 42;
        }(unwound));
        run.expect(value == 42 && unwound, "not as run() promises");
    });
    INFO(report.failure);
    CHECK(report.passed());
}

} // namespace
