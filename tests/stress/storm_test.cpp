// Everything at once, for some seconds: two loops in two threads, and two plain threads, that signal, feed, drain,
// cancel, time out and close each other's objects at random moments. In request/response form, because a stream of
// signals hides a wake that was lost: here it is a hang, which the time limit of the test makes a failure.
#include <rouse/rouse.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "support/catch.hpp"

using namespace rouse;
using namespace std::chrono_literals;

namespace {

constexpr auto how_long = 3s;

class Dice {
public:
    explicit Dice(unsigned seed) : engine_{seed} {}
    int operator()(int sides) { return static_cast<int>(engine_() % static_cast<unsigned>(sides)); }
    // From nothing to a microsecond or so.
    void linger() {
        for (int spin = (*this)(400); spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
    }

private:
    std::mt19937 engine_;
};

bool over(std::chrono::steady_clock::time_point start) { return std::chrono::steady_clock::now() - start > how_long; }

} // namespace

TEST_CASE("storm: puts of a task that are cancelled, timed gets of a thread: every accepted item arrives, once") {
    ThreadSafeQueue<int, 2> queue;
    int received = 0;
    bool in_order = true;
    std::thread consumer{[&] {
        Dice dice{1};
        for (;;) {
            dice.linger();
            const auto item =
                dice(2) == 0 ? queue.get_sync(std::chrono::microseconds{dice(50)}) : queue.get_sync(block);
            if (item) {
                in_order = in_order && *item == received;
                ++received;
            } else if (queue.closed() && queue.empty()) {
                break;
            }
        }
    }};
    int accepted = 0;
    auto main = [&]() -> Task<> {
        Dice dice{2};
        const auto start = std::chrono::steady_clock::now();
        while (!over(start)) {
            auto putter =
                create_task([](auto& q, int n) -> Task<bool> { co_return co_await q.put(n); }(queue, accepted));
            for (int i = dice(3); i > 0; --i) co_await yield();
            dice.linger();
            if (dice(2) == 0) putter.cancel();
            auto outcome = co_await putter.outcome();
            if (outcome.has_value()) accepted += outcome.value();
        }
        queue.close();
    };
    run(main());
    consumer.join();
    CHECK(in_order);
    CHECK(received == accepted);
    CHECK(accepted > 100);
}

TEST_CASE("storm: two loops answer each other through flags, events and queues, with cancelled waits in between") {
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 1> there, back;
    // The other loop: for each number it gets, it sets what the number says, and sends the number back.
    auto answering = [&]() -> Task<> {
        Dice dice{3};
        while (auto request = co_await there.next()) {
            dice.linger();
            if (*request % 3 == 0) flag.set();
            if (*request % 3 == 1) event.set();
            if (!co_await back.put(*request)) break;
        }
        back.close();
    };
    std::thread other{[&] { run(answering()); }};
    int rounds = 0;
    auto main = [&]() -> Task<> {
        Dice dice{4};
        const auto start = std::chrono::steady_clock::now();
        const auto wait_flag = [](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); };
        const auto wait_event = [](ThreadSafeEvent& e) -> Task<> { co_await e.wait(); };
        for (; !over(start); ++rounds) {
            TaskHandle<> waiters[3];
            if (rounds % 3 == 0) waiters[0] = create_task(wait_flag(flag));
            if (rounds % 3 == 1) {
                for (auto& waiter : waiters) waiter = create_task(wait_event(event));
            }
            if (dice(2) == 0) co_await yield();
            const bool sent = co_await there.put(rounds);
            if (!sent) FAIL("the queue is closed");
            dice.linger();
            if (dice(2) == 0) waiters[0].cancel();
            const auto answer = co_await back.next();
            if (answer != rounds) FAIL("answer out of order in round " << rounds);
            bool cancelled = false;
            for (auto& waiter : waiters) {
                if (!waiter) continue;
                co_await waiter.outcome();
                cancelled = cancelled || waiter.cancelled();
            }
            if (rounds % 3 == 0 && cancelled) co_await flag.wait(); // a cancelled wait has left it set
            if (rounds % 3 == 1) event.clear();
            if (flag.is_set() || event.is_set()) FAIL("set after round " << rounds);
        }
        there.close();
        const auto end = co_await back.next();
        if (end) FAIL("an answer that nobody asked for");
    };
    run(main());
    other.join();
    CHECK(rounds > 100);
}

TEST_CASE("storm: loops, queues and events that end at random moments around a foreign set, put or close") {
    std::atomic<ThreadSafeEvent*> event{nullptr};
    std::atomic<bool> stop{false};
    // Sets each event that it is shown, once; when the waiter has gone on, the event goes too.
    std::thread setter{[&] {
        Dice dice{5};
        while (!stop) {
            if (ThreadSafeEvent* shown = event.exchange(nullptr)) {
                dice.linger();
                shown->set();
            }
        }
    }};
    int rounds = 0;
    Dice dice{6};
    const auto start = std::chrono::steady_clock::now();
    for (; !over(start); ++rounds) {
        auto main = [&]() -> Task<> {
            auto brief = std::make_unique<ThreadSafeEvent>();
            auto waiter = create_task([](ThreadSafeEvent& e) -> Task<> { co_await e.wait(); }(*brief));
            if (dice(2) == 0) co_await yield();
            event = brief.get();
            if (dice(2) == 0) dice.linger();
            co_await waiter;
            brief.reset();
        };
        run(main()); // a new loop, and a new descriptor, each time
    }
    stop = true;
    setter.join();
    CHECK(rounds > 100);
}
