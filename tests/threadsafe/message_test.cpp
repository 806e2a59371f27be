#include <rouse/threadsafe/message.hpp>

#include <array>
#include <atomic>
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

using namespace test;

namespace {

// Long, so that a copy takes its time.
struct Letter {
    std::array<unsigned, 64> words{};
    static Letter of(unsigned n) {
        Letter made;
        made.words.fill(n);
        return made;
    }
    [[nodiscard]] unsigned number() const { return words[0]; }
    [[nodiscard]] bool whole() const {
        for (const unsigned word : words) {
            if (word != words[0]) return false;
        }
        return true;
    }
};

constinit Message<Letter> global;

Task<> wait_and_log(Message<int>& message, Log& log) {
    const int value = co_await message.wait();
    log(value);
}

Task<> log_each(Message<int>& message, Log& log) {
    for (;;) {
        const int value = co_await message.next();
        log(value);
    }
}

// A value whose move into the message calls set() again, as an interrupt in the middle of it would.
struct Nested {
    int number = 0;
    Message<Nested, 2>* into = nullptr;
    int* refused = nullptr;
    Nested() = default;
    Nested(int n, Message<Nested, 2>* message, int* count) : number{n}, into{message}, refused{count} {}
    Nested(const Nested&) = default;
    Nested& operator=(const Nested&) = default;
    Nested(Nested&&) noexcept = default;
    Nested& operator=(Nested&& other) noexcept {
        number = other.number;
        if (other.into != nullptr && number > 0 && !other.into->set({number - 1, other.into, other.refused})) {
            ++*other.refused;
        }
        return *this;
    }
    ~Nested() = default;
};

} // namespace

TEST_CASE("the newest value wins, and stays until it is cleared") {
    Message<int> message;
    CHECK(!message.is_set());
    CHECK(message.value() == 0);
    CHECK(message.set(1));
    CHECK(message.set(2));
    CHECK(message.is_set());
    CHECK(message.value() == 2);
    CHECK(message.is_set());
    message.clear();
    CHECK(!message.is_set());
    CHECK(message.value() == 2);
    CHECK(message.set(3));
    message.clear();
    CHECK(!message.is_set());
    CHECK(message.value() == 3);
    for (int n = 0; n < 100; ++n) CHECK(message.set(n)); // no slot is ever lost
    CHECK(message.value() == 99);
}

TEST_CASE("all tasks that wait for a message get it, in the order in which they began to wait") {
    Message<int> message;
    Log log;
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) create_task(wait_and_log(message, log));
        co_await sleep(1s);
        CHECK(log == "");
        CHECK(message.set(7));
        co_await sleep(1s);
        CHECK(log == "7 7 7");
        const int again = co_await message.wait(); // at once: it is still set
        CHECK(again == 7);
    };
    run_virtual(main());
}

TEST_CASE("who waited when the message was set gets a value although it is cleared before they run") {
    Message<int> message;
    Log log;
    auto main = [&]() -> Task<> {
        create_task(wait_and_log(message, log));
        co_await yield();
        CHECK(message.set(1));
        message.clear();
        auto later = create_task(wait_and_log(message, log));
        co_await sleep(1s);
        CHECK(log == "1");
        CHECK(!later.done());
        CHECK(message.set(2));
        co_await later;
        CHECK(log == "1 2");
    };
    run_virtual(main());
}

TEST_CASE("next gives each value once, to all who wait for it") {
    Message<int> message;
    Log one, other;
    auto main = [&]() -> Task<> {
        create_task(log_each(message, one));
        create_task(log_each(message, other));
        co_await sleep(1s);
        CHECK(message.set(1));
        co_await sleep(1s);
        CHECK(!message.is_set());
        CHECK(message.set(2));
        CHECK(message.set(3));
        co_await sleep(1s);
    };
    run_virtual(main());
    CHECK(one == "1 3");
    CHECK(other == "1 3");
}

TEST_CASE("an event of a value that was cleared already rouses nobody for it") {
    Message<int> message;
    Log log;
    auto main = [&]() -> Task<> {
        CHECK(message.set(1));
        const int first = co_await message.next();
        CHECK(first == 1);
        auto handle = create_task(wait_and_log(message, log));
        co_await sleep(1s);
        CHECK(!handle.done());
        CHECK(message.set(2));
        co_await handle;
        CHECK(log == "2");
    };
    run_virtual(main());
}

TEST_CASE("a cancelled wait takes nothing, and the others go on") {
    Message<int> message;
    auto main = [&]() -> Task<> {
        auto cancelled = create_task(message.next());
        auto other = create_task(message.wait());
        co_await yield();
        CHECK(message.set(5));
        cancelled.cancel();
        const auto outcome = co_await cancelled.outcome();
        CHECK(outcome.cancelled());
        CHECK(message.is_set());
        const int value = co_await other;
        CHECK(value == 5);
    };
    run_virtual(main());
}

TEST_CASE("a wait for a message can be given a time limit") {
    Message<int> message;
    auto main = [&]() -> Task<> {
        const auto late = co_await try_wait_for(message.wait(), 1s);
        CHECK(late.timed_out());
        CHECK(message.set(1));
        auto in_time = co_await try_wait_for(message.wait(), 1s);
        CHECK(in_time.value() == 1);
    };
    run_virtual(main());
}

TEST_CASE("a set that comes in the middle of another is taken, and of too many the last is refused") {
    int refused = 0;
    Message<Nested, 2> message;
    CHECK(message.set({1, &message, &refused})); // in its middle: 0
    CHECK(refused == 0);
    CHECK(message.value().number == 1);          // the one that ends last
    CHECK(message.set({2, &message, &refused})); // in its middle 1, and in the middle of that 0
    CHECK(refused == 1);
    CHECK(message.value().number == 2);
    CHECK(message.set({1, &message, &refused})); // the slots are all back
    CHECK(refused == 1);
}

TEST_CASE("waiters of a message in two loops are a clear error") {
    Message<int> message;
    VirtualTimePort port;
    Loop other{port};
    auto waits = [&]() -> Task<> { co_await message.wait(); };
    auto handle = other.create_task(waits());
    other.poll();
    CHECK(contains(misuse_of([&] { run_virtual(waits()); }), "tasks of another loop are waiting"));
}

#if ROUSE_HOSTED // threads
TEST_CASE("a value that is not plain data is carried whole by threads that set it") {
    Message<std::string> message;
    constexpr int threads = 3;
    constexpr int count = 20'000;
    std::atomic<int> refused{0};
    std::vector<std::thread> setters;
    for (int t = 0; t < threads; ++t) {
        setters.emplace_back([&, t] {
            for (int n = 0; n < count; ++n) refused += !message.set(std::string(40, static_cast<char>('a' + t)));
            refused += !message.set("end");
        });
    }
    int wrong = 0;
    auto main = [&]() -> Task<> {
        std::string text;
        while (text != "end") {
            text = co_await message.next();
            const bool whole = text.size() == 40 && text.find_first_not_of(text[0]) == std::string::npos;
            wrong += text != "end" && !whole;
        }
    };
    run(main());
    for (std::thread& setter : setters) setter.join();
    CHECK(wrong == 0);
    CHECK(refused == 0);
}

TEST_CASE("of the values that a thread sets none is torn or older than one before, and the last one arrives") {
    Message<Letter> message;
    constexpr unsigned count = 100'000;
    unsigned refused = 0; // the setter's, until it is joined
    std::thread setter{[&] {
        for (unsigned n = 1; n <= count; ++n) {
            refused += !message.set(Letter::of(n));
            if (n % 64 == 0) spin(static_cast<int>(n / 64 % 512));
        }
    }};
    unsigned torn = 0, older = 0, last = 0;
    auto main = [&]() -> Task<> {
        while (last < count) {
            const Letter letter = co_await message.next();
            torn += !letter.whole();
            older += letter.number() <= last;
            last = letter.number();
        }
    };
    run(main());
    setter.join();
    CHECK(torn == 0);
    CHECK(older == 0);
    CHECK(refused == 0);
}

TEST_CASE("a message is set for other threads until it is cleared, without a gap while it is fetched") {
    Message<int> message;
    std::atomic<bool> done{false};
    int unset = 0;
    REQUIRE(message.set(0));
    std::thread looker{[&] {
        while (!done) unset += !message.is_set();
    }};
    for (int n = 1; n <= 200'000; ++n) {
        REQUIRE(message.set(n));
        (void)message.value();
    }
    done = true;
    looker.join();
    CHECK(unset == 0);
}
#endif

TEST_CASE("a message set by a signal handler in the middle of a set is whole") {
    static std::atomic<unsigned> number{0};
    static std::atomic<unsigned> refused{0};
    SignalTimer timer{[](int) {
        if (!global.set(Letter::of(number = number + 1))) refused = refused + 1; // fetch_add: not on a Cortex-M0
    }};
    unsigned wrong = 0;
    for (int round = 0; round < 1'000; ++round) {
        const unsigned before = number;
        timer.arm(1'000 + round * 7 % 3'000);
        while (number == before) {
            wrong += !global.set(Letter::of(1'000'000));
            wrong += !global.value().whole();
        }
    }
    CHECK(wrong == 0);
    CHECK(refused == 0);
}

#if ROUSE_EXCEPTIONS
namespace {

// Copying it throws while `broken`.
struct CopyThrows {
    static inline bool broken = false;
    CopyThrows() noexcept = default;
    explicit CopyThrows(int the_number) noexcept : number{the_number} {}
    CopyThrows(const CopyThrows& other) : number{other.number} {
        if (broken) throw 1;
    }
    CopyThrows(CopyThrows&&) noexcept = default;
    CopyThrows& operator=(const CopyThrows&) = default;
    CopyThrows& operator=(CopyThrows&&) noexcept = default;
    int number = 0;
};

} // namespace

TEST_CASE("a message whose copying throws in a wait can still be had with value()") {
    run_virtual([]() -> Task<> {
        Message<CopyThrows> message;
        CHECK(message.set(CopyThrows{7}));
        int caught = 0;
        CopyThrows::broken = true;
        try {
            co_await message.wait();
        } catch (int) {
            ++caught;
        }
        CHECK(message.is_set());
        try {
            co_await message.next();
        } catch (int) {
            ++caught;
        }
        CopyThrows::broken = false;
        CHECK(caught == 2);
        CHECK(!message.is_set());
        CHECK(message.value().number == 7);
    }());
}
#endif
