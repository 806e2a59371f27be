// Delay: trigger, stop, wait, a use before the command has arrived, and the end of the delay and of its loop.
#include <memory>

#include <rouse/rouse.hpp>

#include "programs.hpp"

namespace model {

namespace {

using namespace std::chrono_literals;
using rouse::Delay;
using rouse::Task;
using rouse::ThreadSafeEvent;

// What a context wrote before trigger() is seen by the task that waits.
void one_trigger() {
    Delay delay{1ms};
    Mark mark;
    thread([&] {
        mark.write(1);
        delay.trigger();
    });
    const auto waits = [](Delay& of, const Mark& written) -> Task<> {
        co_await of.wait();
        expect(written.read() == 1, "what was written before trigger() is not seen");
    };
    check::run(waits, delay, mark);
    join();
}

// The same, of a command that a loop-side call takes before it arrives.
void used_before_arrival() {
    Delay delay{1ms};
    Mark mark;
    thread([&] {
        mark.write(1);
        delay.trigger();
    });
    const auto asks = [](Delay& of, const Mark& written) -> Task<> {
        for (int i = 0; i < 2; ++i) {
            if (of.running()) expect(written.read() == 1, "what was written before trigger() is not seen");
            co_await rouse::yield();
        }
        co_await of.wait();
    };
    check::run(asks, delay, mark);
    join();
}

// Two contexts give commands, while the loop uses the delay; the last one of each is the same, and counts.
template <bool triggered>
struct Commands {
    Delay delay{1ms};
    ThreadSafeEvent first_done, second_done;

    void give(bool trigger) {
        if (trigger) {
            delay.trigger();
        } else {
            delay.stop();
        }
    }
};
template <bool triggered>
Task<> use(Commands<triggered>& commands) {
    (void)commands.delay.running();
    co_await rouse::yield();
    co_await commands.first_done.wait();
    co_await commands.second_done.wait();
    if (triggered) {
        co_await commands.delay.wait();
    } else {
        expect(!commands.delay.running(), "a delay runs though stop() came last");
        const auto outcome = co_await rouse::try_wait_for(commands.delay.wait(), 5ms);
        expect(outcome.timed_out(), "a delay elapses though stop() came last");
    }
}
template <bool triggered>
void last_command_counts() {
    Commands<triggered> commands;
    thread([&] {
        commands.give(!triggered);
        commands.give(triggered);
        commands.first_done.set();
    });
    thread([&] {
        commands.give(triggered);
        commands.second_done.set();
    });
    check::run(use<triggered>, commands);
    join();
}

// A command that a loop-side call has taken is not obeyed again when it arrives.
void taken_once() {
    Delay delay{1ms};
    ThreadSafeEvent stopped;
    thread([&] {
        delay.stop();
        stopped.set();
    });
    const auto main = [](Delay& of, ThreadSafeEvent& event) -> Task<> {
        (void)of.running(); // binds it
        if (event.is_set()) {
            of.trigger(1ms);
            co_await of.wait();
        }
        co_await event.wait();
    };
    check::run(main, delay, stopped);
    join();
}

// Two tasks wait, one of which is cancelled.
void two_waiters() {
    Delay delay{1ms};
    thread([&] { delay.trigger(); });
    thread([&] { delay.trigger(); });
    const auto main = [](Delay& of) -> Task<> {
        auto cancelled = rouse::create_task(wait_once(of));
        auto other = rouse::create_task(wait_once(of));
        co_await rouse::yield();
        cancelled.cancel();
        co_await cancelled.outcome();
        co_await other;
    };
    check::run(main, delay);
    join();
}

// Destroyed by its waiter, and while a context may be between its exchange and its push.
Task<> wait_and_destroy(std::unique_ptr<Delay>& delay, ThreadSafeEvent& other) {
    co_await delay->wait();
    delay.reset();
    co_await other.wait();
}
void end_when_elapsed() {
    auto delay = std::make_unique<Delay>(1ms);
    ThreadSafeEvent other;
    thread([at = delay.get()] { at->trigger(); });
    thread([&other] { other.set(); });
    check::run(wait_and_destroy, delay, other);
    join();
}
Task<> ask_and_destroy(std::unique_ptr<Delay>& delay) {
    if (!delay->running()) co_await delay->wait();
    delay.reset(); // if it was running, the command was taken, and the delay may not have arrived
}
void end_in_flight() {
    auto delay = std::make_unique<Delay>(1ms);
    thread([at = delay.get()] { at->trigger(); });
    check::run(ask_and_destroy, delay);
    join();
}

// The loop ends while contexts trigger; the delay is then used on another one.
void end_of_the_loop() {
    Delay delay{1ms};
    thread([&] { delay.trigger(); });
    thread([&] {
        delay.stop();
        delay.trigger();
    });
    {
        const auto port = std::make_unique<ModelPort>();
        const auto loop = std::make_unique<rouse::Loop>(*port);
        loop->create_task(wait_once(delay));
        loop->poll();
    }
    join();
    check::run(wait_once<Delay>, delay);
}

} // namespace

std::vector<Program> delay_programs() {
    return {
        {"delay: triggered while a task waits", one_trigger, {}},
        {"delay: used before the trigger has arrived", used_before_arrival, {}},
        {"delay: two contexts stop and trigger", last_command_counts<true>, {.preemptions = 2}},
        {"delay: two contexts trigger and stop", last_command_counts<false>, {.preemptions = 2}},
        {"delay: a stop is taken once", taken_once, {}},
        {"delay: two tasks wait, one is cancelled", two_waiters, {.preemptions = 2}},
        {"delay: ends as soon as it has elapsed", end_when_elapsed, {.preemptions = 2}},
        {"delay: ends while a trigger is on its way", end_in_flight, {.preemptions = 2}},
        {"delay: the loop ends while two contexts trigger", end_of_the_loop, {.preemptions = 2, .spurious = 1}},
    };
}

} // namespace model
