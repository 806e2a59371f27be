// Shared: plain data, whose races are found and between whose accesses others come.
#include <rouse/check/check.hpp>

#include <string>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;

TEST_CASE("an access that nothing orders is a race, and the story says where both were") {
    const check::Result found = check::explore([] {
        check::Shared<int> data{0};
        check::thread("writer", [&] { data.write(1); });
        static_cast<void>(data.read());
        check::join();
    });
    CHECK(found.kind == check::Failure::data_race);
    CHECK(found.story.find("writes shared data") != std::string::npos);
    CHECK(found.story.find("reads shared data") != std::string::npos);
}

TEST_CASE("an interrupt comes between the two accesses of an update, and not if it is masked") {
    const auto program = [](bool masked) {
        return [masked] {
            check::Shared<int> count{0};
            const auto add = [](int& value) { ++value; };
            check::interrupt("add", [&] { count.update(add); });
            if (masked) {
                const check::InterruptsMasked section;
                count.update(add);
            } else {
                count.update(add);
            }
            check::join();
            check::expect(count.read() == 2, "an addition is lost");
        };
    };
    CHECK(check::explore(program(true)).passed());
    CHECK(check::explore(program(false)).kind == check::Failure::data_race);
}

TEST_CASE("data that is handed on by an atomic is no race, and arrives") {
    const auto program = [](std::memory_order order) {
        return [order] {
            check::Shared<std::string> text;
            check::Atomic<bool> ready{false};
            check::thread("writer", [&text, &ready, order] {
                text.write("a text that is too long to be short");
                ready.store(true, order);
            });
            if (ready.load(std::memory_order_acquire))
                check::expect(text.read() == "a text that is too long to be short", "the text has not arrived");
            check::join();
        };
    };
    const check::Result result = check::explore(program(std::memory_order_release));
    INFO(result.failure << '\n' << result.story);
    CHECK(result.passed());
    CHECK(check::explore(program(std::memory_order_relaxed)).kind == check::Failure::data_race);
}

} // namespace
