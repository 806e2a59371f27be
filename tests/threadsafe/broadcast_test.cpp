#include <rouse/threadsafe/broadcast.hpp>

#include <atomic>
#include <memory>
#include <optional>
#if ROUSE_HOSTED
#include <thread>
#include <vector>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

struct Readings {
    unsigned number = 0, rest[40] = {}; // long, so that a copy takes its time
    static Readings of(unsigned n) {
        Readings made{n, {}};
        for (unsigned& each : made.rest) each = n;
        return made;
    }
    [[nodiscard]] bool agree() const {
        for (const unsigned each : rest) {
            if (each != number) return false;
        }
        return true;
    }
};

using Numbers = Broadcast<int, 4>;

constinit Broadcast<Readings, 4> global;
std::atomic<unsigned> published{0};

// Reads a subscriber from any context, and counts what must not be.
template <class Subscriber>
struct Reader {
    Subscriber& subscriber;
    unsigned last = 0, wrong = 0, got = 0;

    // Whether there was a value.
    bool look() {
        const std::size_t lost_before = subscriber.lagged();
        const auto value = subscriber.get_sync();
        if (!value) return false;
        const auto lost = static_cast<unsigned>(subscriber.lagged() - lost_before);
        wrong += !value->agree() || value->number != last + lost + 1;
        last = value->number;
        ++got;
        return true;
    }
};

} // namespace

TEST_CASE("each subscriber gets each value that is published after it was made, in order") {
    Numbers numbers;
    CHECK(numbers.publish(1)); // for nobody
    Numbers::Subscriber first{numbers};
    CHECK(!first.get_sync());
    CHECK(numbers.publish(2));
    Numbers::Subscriber late{numbers};
    CHECK(numbers.publish(3));
    CHECK(first.get_sync() == 2);
    CHECK(first.get_sync() == 3);
    CHECK(!first.get_sync());
    CHECK(late.get_sync() == 3);
    CHECK(!late.get_sync());
    CHECK(first.lagged() == 0);
    CHECK(late.lagged() == 0);
}

TEST_CASE("a subscriber that is more than N behind loses the oldest, which it counts, and the others lose none") {
    Numbers numbers;
    Numbers::Subscriber slow{numbers};
    Numbers::Subscriber quick{numbers};
    for (int i = 1; i <= 4; ++i) CHECK(numbers.publish(i));
    CHECK(slow.get_sync() == 1); // as many as are kept
    for (int i = 5; i <= 11; ++i) {
        CHECK(quick.get_sync() == i - 4); // keeps up, but only just
        CHECK(numbers.publish(i));
    }
    CHECK(quick.lagged() == 0);
    CHECK(slow.lagged() == 0); // it has not looked
    for (int i = 8; i <= 11; ++i) CHECK(slow.get_sync() == i);
    CHECK(slow.lagged() == 6);
    CHECK(!slow.get_sync());
    for (int i = 12; i <= 16; ++i) CHECK(numbers.publish(i));
    CHECK(slow.get_sync() == 13);
    CHECK(slow.lagged() == 7);
}

TEST_CASE("next waits for the next value, in every subscriber") {
    Numbers numbers;
    Log log;
    auto reader = [&](int hundreds) -> Task<> {
        Numbers::Subscriber mine{numbers};
        while (const auto value = co_await mine.next()) log(hundreds + *value);
        log("end");
    };
    auto main = [&]() -> Task<> {
        auto first = create_task(reader(100));
        auto second = create_task(reader(200));
        co_await sleep(1s);
        CHECK(numbers.subscribers() == 2);
        CHECK(log == "");
        CHECK(numbers.publish(1));
        co_await sleep(1s);
        CHECK(log == "101 201");
        CHECK(numbers.publish(2));
        CHECK(numbers.publish(3));
        numbers.close(); // what is left is read before the end
        co_await sleep(1s);
        CHECK(first.done());
        CHECK(second.done());
    };
    run_virtual(main());
    CHECK(log == "101 201 102 103 end 202 203 end");
    CHECK(numbers.subscribers() == 0);
}

TEST_CASE("after close nothing is published, what is left is read, and each next returns empty at once") {
    Numbers numbers;
    auto main = [&]() -> Task<> {
        Numbers::Subscriber mine{numbers};
        CHECK(numbers.publish(1));
        CHECK(!numbers.closed());
        numbers.close();
        numbers.close();
        CHECK(numbers.closed());
        CHECK(!numbers.publish(2));
        auto value = co_await mine.next();
        CHECK(value == 1);
        value = co_await mine.next();
        CHECK(!value);
        value = co_await mine.next();
        CHECK(!value);
        Numbers::Subscriber late{numbers};
        value = co_await late.next();
        CHECK(!value);
    };
    run_virtual(main());
}

TEST_CASE("a cancelled next takes nothing") {
    Numbers numbers;
    auto main = [&]() -> Task<> {
        Numbers::Subscriber mine{numbers};
        auto waiter = create_task(mine.next());
        co_await yield();
        CHECK(numbers.publish(5));
        waiter.cancel();
        const auto outcome = co_await waiter.outcome();
        CHECK(outcome.cancelled());
        const auto value = co_await mine.next();
        CHECK(value == 5);
        const auto none = co_await try_wait_for(mine.next(), 1s);
        CHECK(none.timed_out());
        CHECK(numbers.publish(6));
        const auto after = co_await mine.next();
        CHECK(after == 6);
    };
    run_virtual(main());
}

TEST_CASE("a place is given to the next subscriber, which begins anew, and may wait") {
    Broadcast<int, 2, 1> numbers;
    auto main = [&]() -> Task<> {
        for (int round = 0; round < 3; ++round) {
            Broadcast<int, 2, 1>::Subscriber mine{numbers};
            auto waiter = create_task(mine.next());
            co_await yield();
            CHECK(numbers.publish(round));
            const auto value = co_await waiter;
            CHECK(value == round);
            CHECK(numbers.publish(100)); // is not read, and leaves the flag set
        }
        CHECK(numbers.subscribers() == 0);
    };
    run_virtual(main());
}

TEST_CASE("values of any size and alignment are the same when they arrive") {
    struct Odd {
        char text[13];
    };
    struct alignas(8) Aligned {
        double x, y;
        bool operator==(const Aligned&) const = default;
    };
    Broadcast<Odd, 1> odd;
    Broadcast<Odd, 1>::Subscriber odd_reader{odd};
    CHECK(odd.publish({"twelve chars"}));
    CHECK(std::string{odd_reader.get_sync()->text} == "twelve chars");
    Broadcast<Aligned, 3> aligned;
    Broadcast<Aligned, 3>::Subscriber aligned_reader{aligned};
    CHECK(aligned.publish({1, 2}));
    CHECK((aligned_reader.get_sync() == Aligned{1, 2}));
    Broadcast<bool, 3> small_values;
    Broadcast<bool, 3>::Subscriber small_reader{small_values};
    CHECK(small_values.publish(true));
    CHECK(small_reader.get_sync() == true);
}

TEST_CASE("one subscriber too many is a clear error, and changes nothing") {
    Broadcast<int, 4, 2> numbers;
    auto main = [&]() -> Task<> {
        Broadcast<int, 4, 2>::Subscriber first{numbers};
        Broadcast<int, 4, 2>::Subscriber second{numbers};
        CHECK(contains(misuse_of([&] { Broadcast<int, 4, 2>::Subscriber third{numbers}; }),
                       "Broadcast::Subscriber: one subscriber too many"));
        CHECK(numbers.subscribers() == 2);
        co_return;
    };
    run_virtual(main());
}

TEST_CASE("a second task that waits in a subscriber is a clear error") {
    Numbers numbers;
    Numbers::Subscriber mine{numbers};
    auto main = [&]() -> Task<> {
        create_task(mine.next());
        co_await yield();
        co_await mine.next();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "another task is waiting"));
}

#if ROUSE_HOSTED
TEST_CASE("a Broadcast that is destroyed before its subscriber panics") {
    CHECK(contains(panic_of([] {
                       auto numbers = std::make_unique<Numbers>();
                       Numbers::Subscriber mine{*numbers};
                       numbers.reset();
                   }),
                   "rouse: ~Broadcast: it has subscribers"));
}

TEST_CASE("what a thread publishes is whole, in order, and what is lost is counted") {
    Broadcast<Readings, 3> readings;
    constexpr unsigned count = 200'000;
    Broadcast<Readings, 3>::Subscriber mine{readings};
    std::thread writer{[&] {
        for (unsigned n = 1; n <= count; ++n) {
            readings.publish(Readings::of(n));
            if (n % 64 == 0) spin(static_cast<int>(n / 64 % 512));
        }
        readings.close();
    }};
    Reader reader{mine};
    for (bool last = false; !last;) {
        last = readings.closed();
        while (reader.look()) {
        }
    }
    writer.join();
    CHECK(reader.wrong == 0);
    CHECK(reader.last == count);
    CHECK(reader.got + mine.lagged() == count);
}

TEST_CASE("tasks on loops of several threads get each value of a writer that waits for them, and lose no wake") {
    Broadcast<Readings, 2, 3> readings;
    constexpr unsigned rounds = 3'000;
    std::atomic<unsigned> made{0}, got{0}, wrong{0};
    auto reader = [&]() -> Task<> {
        Broadcast<Readings, 2, 3>::Subscriber mine{readings};
        ++made;
        unsigned next = 0;
        while (const auto value = co_await mine.next()) {
            if (!value->agree() || value->number != ++next) ++wrong;
            ++got;
        }
    };
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) readers.emplace_back([&] { run(reader()); });
    while (made < 3) std::this_thread::yield();
    for (unsigned n = 1; n <= rounds; ++n) {
        readings.publish(Readings::of(n));
        while (got < 3 * n) std::this_thread::yield();
    }
    readings.close();
    for (auto& each : readers) each.join();
    CHECK(wrong == 0);
    CHECK(got == 3 * rounds);
}

TEST_CASE("subscribers come and go while a thread publishes, and none of them misses the end") {
    Broadcast<Readings, 4, 2> readings;
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        for (unsigned n = 1; !stop; ++n) {
            readings.publish(Readings::of(n));
            spin(200);
        }
        readings.close();
    }};
    unsigned wrong = 0;
    auto look = [&](int values) -> Task<> {
        Broadcast<Readings, 4, 2>::Subscriber mine{readings};
        unsigned last = 0;
        for (int i = 0; i < values; ++i) {
            const auto value = co_await mine.next();
            wrong += !value || !value->agree() || value->number <= last;
            last = value ? value->number : last;
        }
    };
    auto to_the_end = [&]() -> Task<> {
        Broadcast<Readings, 4, 2>::Subscriber mine{readings};
        while (co_await mine.next()) {
        }
    };
    auto main = [&]() -> Task<> {
        auto end = create_task(to_the_end());
        for (int i = 0; i < 500; ++i) co_await look(i % 5);
        stop = true;
        co_await end;
    };
    run(main());
    writer.join();
    CHECK(wrong == 0);
}
#endif

TEST_CASE(
    "values published by a signal handler are whole and in order, wherever it comes, and what is lost is counted") {
    decltype(global)::Subscriber mine{global};
    Reader reader{mine};
    SignalTimer timer{[](int) { global.publish(Readings::of(published = published + 1)); }};
    for (int round = 0; round < 2'000; ++round) {
        const unsigned before = published;
        timer.arm(1'000 + round * 7 % 3'000);
        while (published == before) reader.look();
        while (reader.look()) {
        }
    }
    CHECK(reader.wrong == 0);
    CHECK(reader.last == published);
    CHECK(reader.got + mine.lagged() == published);
}
