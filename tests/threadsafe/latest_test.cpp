#include <rouse/threadsafe/latest.hpp>

#include <atomic>
#if ROUSE_HOSTED
#include <thread>
#endif

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/signal_timer.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

struct Readings {
    unsigned pressure = 0, temperature = 0, humidity = 0, rest[125] = {}; // long, so that a copy takes its time
    static Readings of(unsigned n) {
        Readings made{n, n, n};
        for (unsigned& each : made.rest) each = n;
        return made;
    }
    [[nodiscard]] bool agree() const {
        for (const unsigned each : rest) {
            if (each != pressure) return false;
        }
        return pressure == temperature && temperature == humidity;
    }
};

constinit Latest<Readings> global;
std::atomic<unsigned> published{0};

} // namespace

TEST_CASE("the newest value is read, again and again, and is fresh once") {
    Latest<int> latest{7};
    CHECK(!latest.fresh());
    CHECK(latest.value() == 7);
    latest.publish(1);
    latest.publish(2);
    latest.publish(3);
    CHECK(latest.fresh());
    CHECK(latest.value() == 3);
    CHECK(!latest.fresh());
    CHECK(latest.value() == 3);
    latest.publish(4);
    CHECK(latest.value() == 4);
}

TEST_CASE("next waits for a value that is newer than the last one read") {
    Latest<int> latest;
    Log log;
    auto reader = [&]() -> Task<> {
        for (;;) {
            const int value = co_await latest.next();
            log(value);
        }
    };
    auto main = [&]() -> Task<> {
        latest.publish(1);
        log(latest.value()); // the flag of this one stays set, and must not rouse anybody
        auto handle = create_task(reader());
        co_await sleep(1s);
        CHECK(log == "1");
        latest.publish(2);
        latest.publish(3);
        co_await sleep(1s);
        CHECK(log == "1 3");
        latest.publish(4);
        co_await sleep(1s);
        handle.cancel();
        co_await handle.outcome();
    };
    run_virtual(main());
    CHECK(log == "1 3 4");
}

TEST_CASE("a cancelled next leaves the value unread") {
    Latest<int> latest;
    auto main = [&]() -> Task<> {
        auto handle = create_task(latest.next());
        co_await yield();
        latest.publish(5);
        handle.cancel();
        const auto outcome = co_await handle.outcome();
        CHECK(outcome.cancelled());
        CHECK(latest.fresh());
        const int value = co_await latest.next();
        CHECK(value == 5);
    };
    run_virtual(main());
}

TEST_CASE("a second task that waits for the next value is a clear error") {
    auto main = []() -> Task<> {
        Latest<int> latest;
        create_task(latest.next());
        co_await yield();
        co_await latest.next();
    };
    CHECK(contains(misuse_of([&] { run_virtual(main()); }), "another task is waiting"));
}

#if ROUSE_HOSTED // threads
TEST_CASE("values published by a thread are whole and never older than one read before, and the last one arrives") {
    Latest<Readings> latest;
    constexpr unsigned count = 300'000;
    std::thread writer{[&] {
        for (unsigned n = 1; n <= count; ++n) {
            latest.publish(Readings::of(n));
            if (n % 64 == 0) spin(static_cast<int>(n / 64 % 512));
        }
    }};
    unsigned torn = 0, older = 0, last = 0;
    while (last < count) {
        const Readings readings = latest.value();
        torn += !readings.agree();
        older += readings.pressure < last;
        last = readings.pressure;
    }
    writer.join();
    CHECK(torn == 0);
    CHECK(older == 0);
}

TEST_CASE("a task gets each value that a thread publishes one by one") {
    Latest<Readings> latest;
    constexpr unsigned rounds = 10'000;
    std::atomic<unsigned> got{0};
    std::thread writer{[&] {
        for (unsigned n = 1; n <= rounds; ++n) {
            latest.publish(Readings::of(n));
            while (got < n) std::this_thread::yield();
        }
    }};
    unsigned wrong = 0;
    auto main = [&]() -> Task<> {
        for (unsigned n = 1; n <= rounds; ++n) {
            const Readings readings = co_await latest.next();
            wrong += !readings.agree() || readings.pressure != n;
            got = n;
        }
    };
    run(main());
    writer.join();
    CHECK(wrong == 0);
}
#endif

TEST_CASE("values published by a signal handler are whole, wherever it comes") {
    SignalTimer timer{[](int) { global.publish(Readings::of(published = published + 1)); }};
    unsigned wrong = 0;
    for (int round = 0; round < 2'000; ++round) {
        const unsigned before = published;
        timer.arm(1'000 + round * 7 % 3'000);
        while (published == before) wrong += !global.value().agree();
        wrong += global.value().pressure != published;
    }
    CHECK(wrong == 0);
}
