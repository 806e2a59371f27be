// cancel_everywhere: which awaits it finds, and what it finds out.
#include <rouse/check/cancel_everywhere.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <rouse/rouse.hpp>

#include "support/catch.hpp"

namespace {

namespace check = rouse::check;
using namespace std::chrono_literals;

// Moves money from one account to another, with something to wait for in between.
class Bank {
public:
    explicit Bank(bool careful) : careful_{careful} {}

    rouse::Task<> transfer(int amount) {
        co_await lock_.acquire();
        if (careful_) {
            co_await rouse::sleep(1s); // the audit
            from_ -= amount;
            to_ += amount;
        } else {
            from_ -= amount;
            co_await rouse::sleep(1s);
            to_ += amount;
        }
        lock_.release();
    }
    rouse::Task<> guarded_transfer(int amount) {
        const auto guard = co_await lock_.scoped();
        co_await rouse::sleep(1s);
        from_ -= amount;
        to_ += amount;
    }

    [[nodiscard]] int total() const { return from_ + to_; }
    [[nodiscard]] bool locked() const { return lock_.locked(); }
    rouse::Lock& lock() { return lock_; }

private:
    rouse::Lock lock_;
    int from_ = 100, to_ = 0;
    bool careful_;
};

TEST_CASE("a task is cancelled at each of its awaits, while it waits and when it has been woken, and last not at all") {
    std::vector<std::string> places;
    const auto task = [](rouse::Event& event) -> rouse::Task<> {
        co_await rouse::sleep(1h);
        co_await event.wait();
    };
    const auto setter = [](rouse::Event& event) -> rouse::Task<> {
        co_await rouse::sleep(2h);
        event.set();
    };
    const std::size_t awaits = check::cancel_everywhere([&](check::CancelledRun& run) {
        rouse::Event event;
        run.loop().create_task(setter(event));
        const bool cancelled = run.run(task(event));
        CHECK(cancelled == run.cancelled());
        places.push_back(run.where());
    });
    CHECK(awaits == 2);
    CHECK(places == std::vector<std::string>{
                        "cancelled at await 1, which sleeps, while it waits",
                        "cancelled at await 1, which sleeps, when it has been woken",
                        "cancelled at await 2, which waits for an Event, while it waits",
                        "cancelled at await 2, which waits for an Event, when it has been woken",
                        "not cancelled",
                    });
}

TEST_CASE("an invariant that a cancellation breaks is found, and where") {
    std::string broken;
    check::cancel_everywhere([&](check::CancelledRun& run) {
        Bank bank{false};
        run.run(bank.transfer(30));
        if (bank.total() != 100 && broken.empty()) broken = run.where();
    });
    CHECK(broken == "cancelled at await 1, which sleeps, while it waits");
}

TEST_CASE("a lock that a cancelled task still holds is found; a guard gives it back at each await") {
    std::size_t held = 0;
    check::cancel_everywhere([&](check::CancelledRun& run) {
        Bank bank{true};
        run.run(bank.transfer(30));
        REQUIRE(bank.total() == 100);
        held += bank.locked();
    });
    CHECK(held == 2);
    const auto holder = [](Bank& bank) -> rouse::Task<> {
        const auto guard = co_await bank.lock().scoped();
        co_await rouse::sleep(1s);
    };
    const std::size_t awaits = check::cancel_everywhere([&](check::CancelledRun& run) {
        Bank bank{true};
        run.loop().create_task(holder(bank)); // so that the task has to wait for the lock, too
        run.run(bank.guarded_transfer(30));
        INFO(run.where());
        REQUIRE(bank.total() == 100);
        REQUIRE_FALSE(bank.locked());
    });
    CHECK(awaits == 2);
}

TEST_CASE("an item is not lost, whenever the get is cancelled") {
    const auto take = [](rouse::Queue<int, 2>& queue, std::vector<int>& taken) -> rouse::Task<> {
        for (int i = 0; i < 2; ++i) taken.push_back(co_await queue.get());
    };
    const auto put = [](rouse::Queue<int, 2>& queue) -> rouse::Task<> {
        for (int i = 1; i <= 2; ++i) {
            co_await rouse::sleep(1s);
            std::ignore = co_await queue.put(i);
        }
    };
    const std::size_t awaits = check::cancel_everywhere([&](check::CancelledRun& run) {
        rouse::Queue<int, 2> queue;
        std::vector<int> taken;
        auto feeder = run.loop().create_task(put(queue));
        const bool cancelled = run.run(take(queue, taken));
        INFO(run.where());
        if (!cancelled) REQUIRE(taken == std::vector<int>{1, 2});
        REQUIRE(taken.size() <= 2);
        for (std::size_t i = 0; i < taken.size(); ++i) REQUIRE(taken[i] == static_cast<int>(i) + 1);
    });
    CHECK(awaits == 2);
}

TEST_CASE("a task that waits for ever once it is cancelled is an error that says where it was cancelled") {
    const auto stubborn = [](rouse::Event& never) -> rouse::Task<> {
        bool cancelled = false;
        try {
            co_await rouse::sleep(1s);
        } catch (const rouse::CancelledError&) {
            cancelled = true;
        }
        if (cancelled) co_await never.wait();
    };
    std::string what;
    try {
        check::cancel_everywhere([&](check::CancelledRun& run) {
            rouse::Event never;
            run.run(stubborn(never));
        });
    } catch (const std::logic_error& error) {
        what = error.what();
    }
    CHECK(what ==
          "rouse: check::cancel_everywhere: the task waits for ever: cancelled at await 1, which sleeps, while it "
          "waits; it waits for an Event now");
}

TEST_CASE("an exception of the body says where the task was cancelled") {
    std::string what;
    try {
        check::cancel_everywhere([&](check::CancelledRun& run) {
            run.run([]() -> rouse::Task<> { co_await rouse::sleep(1s); }());
            if (run.cancelled()) throw std::runtime_error{"the file is open"};
        });
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    CHECK(what ==
          "rouse: check::cancel_everywhere: cancelled at await 1, which sleeps, while it waits: the file is open");
}

TEST_CASE("what the task throws by itself is thrown by run()") {
    CHECK_THROWS_AS(check::cancel_everywhere([](check::CancelledRun& run) {
                        run.run([]() -> rouse::Task<> {
                            co_await rouse::sleep(1s);
                            throw std::runtime_error{"no disk"};
                        }());
                    }),
                    std::runtime_error);
}

} // namespace
