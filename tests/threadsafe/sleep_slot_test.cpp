#include <rouse/threadsafe/detail/sleep_slot.hpp>

#include <atomic>
#include <thread>

#include "support/catch.hpp"

using rouse::detail::SleepSlot;

namespace {

struct Port final : rouse::Port {
    rouse::TimePoint now() const noexcept override { return {}; }
    unsigned wait_until(rouse::TimePoint) noexcept override { return 0; }
    void wake() noexcept override {}
};

// A task, so far as a slot knows: something that is sent to an inbox.
class CountingSleeper final : public rouse::detail::InboxItem {
public:
    CountingSleeper() noexcept { inbox_ = &own_inbox_; }
    int wakes() {
        own_inbox_.take();
        return arrived_;
    }

private:
    void arrive() noexcept override { ++arrived_; }

    Port port_;
    rouse::detail::Inbox own_inbox_{port_, nullptr};
    int arrived_ = 0;
};

constinit SleepSlot made_before_main;

} // namespace

TEST_CASE("a slot is made before main, with nobody in it to rouse") {
    CountingSleeper sleeper;
    made_before_main.wake();
    made_before_main.wake_and_synchronize();
    CHECK(!made_before_main.withdraw(sleeper));
    CHECK(sleeper.wakes() == 0);
}

TEST_CASE("a sleeper that was announced is woken once, by the first who rouses") {
    SleepSlot slot;
    CountingSleeper sleeper;
    REQUIRE(slot.announce(sleeper));
    CHECK(sleeper.wakes() == 0);
    slot.wake();
    CHECK(sleeper.wakes() == 1);
    slot.wake();
    slot.wake_and_synchronize();
    CHECK(sleeper.wakes() == 1);
}

TEST_CASE("rousing surely wakes as rousing does") {
    SleepSlot slot;
    CountingSleeper sleeper;
    REQUIRE(slot.announce(sleeper));
    slot.wake_and_synchronize();
    CHECK(sleeper.wakes() == 1);
}

#if ROUSE_HOSTED // threads
TEST_CASE("a thread that was announced is woken as a task is") {
    SleepSlot slot;
    rouse::detail::ParkedThread thread;
    REQUIRE(slot.announce(thread));
    CHECK(!thread.wait_until(rouse::detail::ParkedThread::now()));
    slot.wake();
    thread.wait();
    CHECK(!slot.withdraw(thread));
    REQUIRE(slot.announce(thread));
    CHECK(slot.withdraw(thread));
}
#endif

TEST_CASE("a sleeper that has withdrawn is not woken") {
    SleepSlot slot;
    CountingSleeper sleeper;
    REQUIRE(slot.announce(sleeper));
    CHECK(slot.withdraw(sleeper));
    slot.wake();
    slot.wake_and_synchronize();
    CHECK(sleeper.wakes() == 0);
}

TEST_CASE("a sleeper that was taken cannot withdraw, and may announce itself again") {
    SleepSlot slot;
    CountingSleeper sleeper;
    REQUIRE(slot.announce(sleeper));
    slot.wake();
    CHECK(!slot.withdraw(sleeper));
    CHECK(sleeper.wakes() == 1);
    CHECK(slot.announce(sleeper));
    slot.wake();
    CHECK(sleeper.wakes() == 2);
}

TEST_CASE("a slot has room for one: a second is refused and the first stays") {
    SleepSlot slot;
    CountingSleeper first, second;
    REQUIRE(slot.announce(first));
    CHECK(!slot.announce(second));
    CHECK(!slot.withdraw(second));
    slot.wake();
    CHECK(first.wakes() == 1);
    CHECK(second.wakes() == 0);
}

#if ROUSE_HOSTED // threads
TEST_CASE("of a withdrawal and two that rouse, exactly one takes the sleeper") {
    constexpr int rounds = 20'000;
    SleepSlot slot;
    CountingSleeper sleeper;
    std::atomic<bool> ended{false};
    const auto rouse = [&] {
        while (!ended.load()) slot.wake();
    };
    std::thread a{rouse}, b{rouse};
    int withdrawn = 0;
    int refused = 0;
    for (int round = 1; round <= rounds; ++round) {
        if (!slot.announce(sleeper)) ++refused;
        if (slot.withdraw(sleeper)) {
            ++withdrawn;
        } else {
            while (withdrawn + sleeper.wakes() < round) {
            } // its wake is on its way
        }
    }
    ended.store(true);
    a.join();
    b.join();
    CHECK(refused == 0);
    CHECK(withdrawn + sleeper.wakes() == rounds);
}
#endif
