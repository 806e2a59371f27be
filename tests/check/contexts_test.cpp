// Threads and interrupts of a checked program: where they may come in between, and what they see of each other.
#include <rouse/check/check.hpp>

#include <set>
#include <string>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;
using Outcomes = std::set<std::string>;
constexpr auto relaxed = std::memory_order_relaxed;

template <class Program>
Outcomes outcomes_of(Program program) {
    const check::Result result = check::explore(program);
    INFO(result.failure << '\n' << result.story);
    CHECK(result.passed());
    return result.outcomes;
}

std::string digits(int a, int b) { return std::to_string(a) + std::to_string(b); }

TEST_CASE("an interrupt sees the stores of its own core in order; a thread need not") {
    const auto program = [](bool interrupts) {
        return [interrupts] {
            check::Atomic<int> x{0}, y{0};
            const auto look = [&] {
                const int second = y.load(relaxed);
                check::outcome(digits(second, x.load(relaxed)));
            };
            interrupts ? check::interrupt("look", look) : check::thread("look", look);
            x.store(1, relaxed);
            y.store(1, relaxed);
            check::join();
        };
    };
    CHECK(outcomes_of(program(true)) == Outcomes{"00", "01", "11"});
    CHECK(outcomes_of(program(false)) == Outcomes{"00", "01", "10", "11"});
}

TEST_CASE("what an interrupt does comes whole, at any point of what it interrupts") {
    CHECK(outcomes_of([] {
              check::Atomic<int> word{0};
              check::interrupt("twice", [&] {
                  word.store(1, relaxed);
                  word.store(2, relaxed);
              });
              const int first = word.load(relaxed);
              check::outcome(digits(first, word.load(relaxed)));
              check::join();
          }) == Outcomes{"00", "02", "22"});
}

TEST_CASE("another core sees the middle of an interrupt") {
    CHECK(outcomes_of([] {
              check::Atomic<int> word{0};
              check::interrupt("twice", [&] {
                  word.store(1, relaxed);
                  word.store(2, relaxed);
              });
              check::thread("core 1", [&] { check::outcome(std::to_string(word.load(relaxed))); });
              check::join();
          }) == Outcomes{"0", "1", "2"});
}

TEST_CASE("no interrupt begins in a masked section, and one that waits comes right after it") {
    CHECK(outcomes_of([] {
              check::Atomic<int> word{0};
              check::interrupt("add", [&] { word.fetch_add(1, relaxed); });
              {
                  const check::InterruptsMasked outer;
                  const check::InterruptsMasked inner;
                  const int first = word.load(relaxed);
                  check::outcome(digits(first, word.load(relaxed)));
              }
              check::join();
              check::expect(word.load(relaxed) == 1, "the interrupt was lost");
          }) == Outcomes{"00", "11"});
}

TEST_CASE("plain data that an interrupt uses is a race, unless the section is masked") {
    const auto program = [](bool masked) {
        return [masked] {
            int data = 0;
            check::interrupt("write", [&] { data = 1; });
            if (masked) {
                const check::InterruptsMasked section;
                data += 1;
            } else {
                data += 1;
            }
            check::join();
        };
    };
    CHECK(check::explore(program(true)).passed());
    CHECK(check::explore(program(false)).kind == check::Failure::data_race);
}

TEST_CASE("interrupts of one core do not interrupt each other, unless their priority is higher") {
    const auto program = [](int priority) {
        return [priority] {
            check::Atomic<int> depth{0}, deepest{0};
            const auto handler = [&] {
                const int now = depth.fetch_add(1, relaxed) + 1;
                if (now > deepest.load(relaxed)) deepest.store(now, relaxed);
                depth.fetch_sub(1, relaxed);
            };
            check::interrupt("low", handler);
            check::interrupt("high", handler, priority);
            check::join();
            check::outcome(std::to_string(deepest.load(relaxed)));
        };
    };
    CHECK(outcomes_of(program(0)) == Outcomes{"1"});
    CHECK(outcomes_of(program(1)) == Outcomes{"1", "2"});
}

TEST_CASE("a thread has interrupts of its own") {
    CHECK(outcomes_of([] {
              check::Atomic<int> word{0};
              check::thread("core 1", [&] {
                  check::interrupt("of core 1", [&] { word.store(1, relaxed); });
                  const int first = word.load(relaxed);
                  check::outcome(digits(first, word.load(relaxed)));
              });
              check::join();
              check::expect(word.load(relaxed) == 1, "the interrupt was lost");
          }) == Outcomes{"00", "01", "11"});
}

rouse::Task<> wait_for(rouse::ThreadSafeFlag& flag) { co_await flag.wait(); }

TEST_CASE("an interrupt wakes the loop that it interrupts, also while it sleeps") {
    CHECK(outcomes_of([] {
              rouse::ThreadSafeFlag flag;
              check::interrupt("set", [&] { flag.set(); });
              check::run(wait_for, flag);
              check::join();
              check::outcome("woken");
          }) == Outcomes{"woken"});
}

TEST_CASE("more contexts than there are is the checker's fault, and says so") {
    const check::Result result = check::explore([] {
        for (int i = 0; i < check::most_contexts; ++i) check::thread([] {});
        check::join();
    });
    CHECK(result.kind == check::Failure::checker);
}

} // namespace
