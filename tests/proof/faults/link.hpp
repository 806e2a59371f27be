// The part of a scenario that other contexts have: a thread that rouses the loop through a flag, an event and queues,
// and blocks on them in turn.
#pragma once

#include <chrono>
#include <optional>
#include <thread>

#include <rouse/rouse.hpp>

#include "report.hpp"

namespace faults {

class Link {
public:
    explicit Link(Report& report) : report_{report}, thread_{[this] { run(); }} {}

    /// After the loop has gone.
    ~Link() {
        close();
        thread_.join();
    }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// Lets the thread end early.
    void close() noexcept {
        answers_.close();
        numbers_.close();
    }

    /// The loop's side: first the questions, while there is nothing else to do, so that the loop sleeps; then the
    /// numbers.
    rouse::Task<> answer() {
        using namespace std::chrono_literals;
        for (int round = 1; round <= rounds; ++round) {
            co_await asked_.wait();
            co_await rouse::sleep(200us); // so that the thread sleeps
            const bool accepted = co_await answers_.put(round);
            if (!accepted) co_return;
        }
    }
    rouse::Task<> take_numbers() {
        using namespace std::chrono_literals;
        int expected = 1;
        for (;;) {
            const std::optional<int> number = co_await numbers_.next();
            if (!number) break;
            if (*number != expected++) report_.was_wrong("the queue gave %d, not %d", *number, expected - 1);
            co_await rouse::sleep(100us); // so that the thread finds the queue full
        }
        if (expected != most + 1) report_.was_wrong("the queue ended after %d numbers of %d", expected - 1, most);
        co_await finished_.wait();
    }

private:
    static constexpr int rounds = 3;
    static constexpr int most = 6;

    // The thread's side. It ends early only if the queues are closed.
    void run() {
        using namespace std::chrono_literals;
        for (int round = 1; round <= rounds; ++round) {
            std::this_thread::sleep_for(200us); // so that the loop sleeps
            asked_.set();
            const std::optional<int> answer = round == 2 ? answers_.get_sync(60s) : answers_.get_sync(rouse::block);
            if (!answer) return;
            if (*answer != round) report_.was_wrong("the thread got answer %d, not %d", *answer, round);
        }
        for (int number = 1; number <= most; ++number) {
            if (!numbers_.put_sync(number, rouse::block)) return;
        }
        numbers_.close();
        finished_.set();
    }

    Report& report_;
    rouse::ThreadSafeFlag asked_;
    rouse::ThreadSafeEvent finished_;
    rouse::ThreadSafeQueue<int, 1> answers_; // to the thread
    rouse::ThreadSafeQueue<int, 2> numbers_; // from the thread
    std::thread thread_;
};

} // namespace faults
