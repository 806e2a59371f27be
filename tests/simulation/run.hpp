// Runs a program on a real loop, writes down what it does, and compares it with what the table says.
#pragma once

#include <tuple>
#include <vector>

#include "any_wait.hpp"
#include "predict.hpp"

namespace simulation {

/// In the frame of a body: counts it, releases its locks, and without exceptions says that it was cancelled.
class Running {
public:
    Running(World& world, int body, int start) : w{world}, id{instance(body, start)} { ++w.frames; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        if (in_step && !with_exceptions) record({Result::cancelled, 0});
        for (std::size_t i = 0; i < objects_of_a_kind; ++i) {
            if ((held >> i & 1) != 0) w.locks[i].release();
        }
        --w.frames;
    }

    void record(Given given) {
        in_step = false;
        if (w.over) return;
        const auto time = std::chrono::duration_cast<Milliseconds>(rouse::Clock::now().time_since_epoch());
        w.trace.add({std::uint8_t(id), step, given.result, given.value, int(time.count())});
    }
    [[nodiscard]] Result predicted() const { return w.predicted.results[std::size_t(id)][step]; }

    World& w;
    const int id;
    std::uint8_t step = 0;
    unsigned held = 0;
    bool in_step = false;
};

/// The wait for a condition: without the lock, which is held again however it is left, unless the loop has gone.
struct Unlocked {
    Unlocked(Running& running, unsigned lock) : self{running}, bit{self.held & lock} { self.held &= ~bit; }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    ~Unlocked() {
        if (!self.w.destroying) self.held |= bit;
    }
    Running& self;
    const unsigned bit;
};

template <class T>
Given outcome_given(const rouse::Outcome<T>& outcome) {
    if (outcome.timed_out()) return {Result::timed_out, 0};
    if (outcome.cancelled()) return {Result::was_cancelled, 0};
    return {outcome.has_value() ? Result::ok : Result::had_failed, 0};
}

inline Given given(int value) { return {Result::ok, value}; }
inline Given given(rouse::Outcome<int> outcome) {
    return outcome.has_value() ? Given{Result::ok, outcome.value()} : outcome_given(outcome);
}
inline Given given(rouse::Outcome<rouse::Outcome<int>> outcome) {
    return outcome.has_value() ? given(outcome.value()) : outcome_given(outcome);
}
/// A wait that returns nothing.
template <class A>
rouse::Task<Given> wait(A awaitable, Step step) {
    if (step.limit == no_limit) {
        co_await awaitable;
        co_return Given{};
    }
    const auto outcome = co_await rouse::try_wait_for(std::move(awaitable), Milliseconds{step.limit - 1});
    co_return outcome_given(outcome);
}

// The place in the round of a barrier; nothing if it was broken.
inline Given given(std::optional<std::size_t> place) {
    return place ? Given{Result::ok, int(*place)} : Given{Result::closed, 0};
}
inline Given given(rouse::Outcome<std::optional<std::size_t>> outcome) {
    return outcome.has_value() ? given(outcome.value()) : outcome_given(outcome);
}

/// A wait that returns something.
template <class A>
rouse::Task<Given> valued(A awaitable, Step step) {
    if (step.limit == no_limit) {
        auto value = co_await awaitable;
        co_return given(std::move(value));
    }
    auto outcome = co_await rouse::try_wait_for(std::move(awaitable), Milliseconds{step.limit - 1});
    co_return given(std::move(outcome));
}

/// A refused item must be as it was.
inline Given put_given(bool accepted, const Item& item, int number) {
    if (item.number() != (accepted ? 0 : number)) return {Result::none, item.number()};
    return {accepted ? Result::ok : Result::closed, accepted ? number : 0};
}

template <class Queue>
rouse::Task<Given> put(Queue& queue, Step step, int number) {
    Item item{number};
    if (step.limit == no_limit) {
        const bool accepted = co_await queue.put(std::move(item));
        co_return put_given(accepted, item, number);
    }
    auto outcome = co_await rouse::try_wait_for(queue.put(std::move(item)), Milliseconds{step.limit - 1});
    if (!outcome.has_value()) co_return item.number() == number ? outcome_given(outcome) : Given{Result::none, 0};
    co_return put_given(outcome.value(), item, number);
}

template <class Queue>
rouse::Task<Given> get(Queue& queue, Step step) {
    std::optional<Item> item;
    if (step.limit == no_limit) {
        item = co_await queue.next();
        co_return given(item);
    }
    auto outcome = co_await rouse::try_wait_for(queue.next(), Milliseconds{step.limit - 1});
    if (!outcome.has_value()) co_return outcome_given(outcome);
    item = std::move(outcome).value();
    co_return given(item);
}

// What select gives: which was the first, and what it gave.
inline Given given(const std::variant<Given, Given>& first) {
    Given result = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
    result.value += 1000 * int(first.index());
    return result;
}
template <class A>
Given given(const std::variant<A, int>& first) {
    if (first.index() == 1) return {Result::ok, 1000 + std::get<1>(first)};
    if constexpr (std::is_same_v<A, int>) {
        return {Result::ok, std::get<0>(first)};
    } else {
        return std::get<0>(first);
    }
}
inline Given given(const std::variant<int, Given>& first) {
    if (first.index() == 0) return {Result::ok, std::get<0>(first)};
    return {std::get<1>(first).result, 1000 + std::get<1>(first).value};
}

template <class A, class B>
rouse::Task<Given> first_of(A a, B b, Step step) {
    if (step.limit == no_limit) {
        const auto first = co_await rouse::select(std::move(a), std::move(b));
        co_return given(first);
    }
    const auto outcome =
        co_await rouse::try_wait_for(rouse::select(std::move(a), std::move(b)), Milliseconds{step.limit - 1});
    if (!outcome.has_value()) co_return outcome_given(outcome);
    co_return given(outcome.value());
}

// Who has taken an answer, or has been told that there is none, has the next one sent.
inline void next_sender(World& w, Step step, Given taken) {
    const bool over = taken.result == Result::ok || taken.result == Result::closed;
    if (over && step.op == Op::one_shot_next) w.senders[step.operand] = w.one_shots[step.operand].sender();
}

// A put says only whether it was accepted; the item says which number that was.
inline rouse::Task<Given> race(Running& self, Step step, int number) {
    World& w = self.w;
    Item item{number};
    const auto [a, b] = raced(step);
    const auto handle = [&w](Step each) { return w.tasks[each.operand]; };
    Given result;
    if (a.op == Op::join && b.op == Op::join) {
        result = co_await first_of(handle(a), handle(b), step);
    } else if (a.op == Op::join) {
        result = co_await first_of(handle(a), AnyWait{w, b, item}, step);
    } else if (b.op == Op::join) {
        result = co_await first_of(AnyWait{w, a, item}, handle(b), step);
    } else {
        result = co_await first_of(AnyWait{w, a, item}, AnyWait{w, b, item}, step);
    }
    const Step winner = result.value >= 1000 ? b : a;
    const bool done = result.result == Result::ok;
    next_sender(w, winner, result);
    if (done && winner.op == Op::lock_acquire) self.held |= 1U << winner.operand;
    if (done && puts(winner.op)) result.value += number;
    if (item.number() != (done && puts(winner.op) ? 0 : number)) result.result = Result::none;
    co_return result;
}

inline rouse::Task<Given> read(Stream& stream, Op op) {
    std::array<char, 2> bytes{};
    std::size_t count = 0;
    if (op == Op::ring_io_read) {
        count = co_await stream.read(std::span{bytes}.first(1));
    } else if (op == Op::ring_io_readexactly) {
        count = co_await stream.readexactly(bytes);
    } else {
        count = co_await stream.readline(bytes);
    }
    co_return Given{Result::ok, number_of(std::span{bytes}.first(count))};
}

inline rouse::Task<int> run_body(World& w, int body, int start);

inline Given create(World& w, int body) {
    int& starts = w.starts[std::size_t(body)];
    const std::string_view name = body % 2 == 0 ? "named" : "";
    w.tasks[std::size_t(body)] = rouse::create_task(run_body(w, body, starts), name);
    return {Result::ok, ++starts};
}

inline std::vector<rouse::TaskHandle<int>> gathered(const World& w, Step step) {
    std::vector<rouse::TaskHandle<int>> handles;
    for (std::size_t i = 1; i <= most_tasks; ++i) {
        if ((step.operand >> (i - 1) & 1) != 0 && w.tasks[i]) handles.push_back(w.tasks[i]);
    }
    return handles;
}

inline rouse::Task<Given> perform(Running& self, Step step) {
    World& w = self.w;
    Objects& o = *w.objects;
    const std::size_t n = step.operand;
    const int number = w.next_number - 1;
    Item item{number};
    const auto task = [&w, n]() -> rouse::TaskHandle<int>& { return w.tasks[n]; };
    if (step.rival != no_rival) co_return co_await race(self, step, number);
    switch (step.op) {
    case Op::yield: co_return co_await wait(rouse::yield(), step);
    case Op::sleep: co_return co_await wait(rouse::sleep(Milliseconds{n}), step);

    case Op::event_set: o.events[n].set(); co_return Given{Result::ok, o.events[n].is_set()};
    case Op::event_clear: o.events[n].clear(); co_return Given{Result::ok, o.events[n].is_set()};
    case Op::event_wait: co_return co_await wait(o.events[n].wait(), step);

    case Op::lock_acquire: {
        const Given result = co_await wait(w.locks[n].acquire(), step);
        if (result.result == Result::ok) self.held |= 1U << n;
        co_return result;
    }
    case Op::lock_release:
        self.held &= ~(1U << n);
        w.locks[n].release();
        co_return Given{Result::ok, !w.locks[n].locked()};
    case Op::condition_wait: {
        const Unlocked unlocked{self, 1U << n};
        co_return co_await wait(o.conditions[n].wait(), step);
    }
    case Op::condition_notify: o.conditions[n].notify(); co_return Given{};
    case Op::condition_notify_all: o.conditions[n].notify_all(); co_return Given{};

    case Op::semaphore_acquire: co_return co_await wait(o.semaphores[n].acquire(), step);
    case Op::semaphore_release: o.semaphores[n].release(); co_return Given{Result::ok, !o.semaphores[n].locked()};

    case Op::queue_put: co_return co_await put(o.queues[n], step, number);
    case Op::queue_get: co_return co_await get(o.queues[n], step);
    case Op::queue_put_nowait: {
        const bool accepted = o.queues[n].put_nowait(std::move(item));
        co_return put_given(accepted, item, number);
    }
    case Op::queue_get_nowait: co_return given(o.queues[n].get_nowait());
    case Op::queue_close: o.queues[n].close(); co_return Given{Result::ok, int(o.queues[n].qsize())};

    case Op::barrier_wait: co_return co_await valued(o.barriers[n].wait_outcome(), step);
    case Op::barrier_reset: o.barriers[n].reset(); co_return Given{Result::ok, o.barriers[n].broken()};
    case Op::barrier_abort: o.barriers[n].abort(); co_return Given{Result::ok, o.barriers[n].broken()};

    case Op::delay_trigger: o.delays[n].trigger(); co_return Given{Result::ok, o.delays[n].running()};
    case Op::delay_stop: o.delays[n].stop(); co_return Given{Result::ok, o.delays[n].running()};
    case Op::delay_wait: co_return co_await wait(o.delays[n].wait(), step);

    case Op::flag_set: o.flags[n].set(); co_return Given{Result::ok, o.flags[n].is_set()};
    case Op::flag_clear: o.flags[n].clear(); co_return Given{Result::ok, o.flags[n].is_set()};
    case Op::flag_wait: co_return co_await wait(o.flags[n].wait(), step);

    case Op::shared_event_set: o.shared_events[n].set(); co_return Given{Result::ok, o.shared_events[n].is_set()};
    case Op::shared_event_clear: o.shared_events[n].clear(); co_return Given{Result::ok, o.shared_events[n].is_set()};
    case Op::shared_event_wait: co_return co_await wait(o.shared_events[n].wait(), step);

    case Op::shared_queue_put: co_return co_await put(o.shared_queues[n], step, number);
    case Op::shared_queue_get: co_return co_await get(o.shared_queues[n], step);
    case Op::shared_queue_put_sync: {
        const bool accepted = o.shared_queues[n].put_sync(std::move(item));
        co_return put_given(accepted, item, number);
    }
    case Op::shared_queue_get_sync: co_return given(o.shared_queues[n].get_sync());
    case Op::shared_queue_close:
        o.shared_queues[n].close();
        co_return Given{Result::ok, int(o.shared_queues[n].qsize())};

    case Op::message_set: std::ignore = w.messages[n].set(number); co_return Given{Result::ok, w.messages[n].is_set()};
    case Op::message_clear: w.messages[n].clear(); co_return Given{Result::ok, w.messages[n].is_set()};
    case Op::message_wait: {
        const int value = co_await w.messages[n].wait();
        co_return Given{Result::ok, value};
    }
    case Op::message_next: {
        const int value = co_await w.messages[n].next();
        co_return Given{Result::ok, value};
    }

    case Op::latest_publish: w.latest[n].publish(number); co_return Given{Result::ok, w.latest[n].fresh()};
    case Op::latest_value: co_return Given{Result::ok, w.latest[n].value()};
    case Op::latest_next: {
        const int value = co_await w.latest[n].next();
        co_return Given{Result::ok, value};
    }

    case Op::one_shot_set: {
        const bool accepted = w.senders[n].set(std::move(item));
        co_return put_given(accepted, item, number);
    }
    case Op::one_shot_drop: w.senders[n] = {}; co_return Given{Result::ok, w.one_shots[n].is_set()};
    case Op::one_shot_next: {
        const Given taken = co_await get(w.one_shots[n], step);
        next_sender(w, step, taken);
        co_return taken;
    }

    case Op::ring_io_received: co_return Given{Result::ok, w.streams[n].received(byte_of(number))};
    case Op::ring_io_received_burst: co_return Given{Result::ok, receive_burst(w.streams[n], number)};
    case Op::ring_io_next_to_send: {
        const std::optional<char> byte = w.streams[n].next_to_send();
        co_return byte ? Given{Result::ok, *byte} : Given{Result::closed, 0};
    }
    case Op::ring_io_read:
    case Op::ring_io_readexactly:
    case Op::ring_io_readline: co_return co_await read(w.streams[n], step.op);
    case Op::ring_io_lost: co_return Given{Result::ok, int(w.streams[n].lost())};
    case Op::ring_io_write: {
        const std::string bytes(burst, byte_of(number));
        const bool written = co_await w.streams[n].write(bytes);
        co_return written ? Given{Result::ok, transmissions} : Given{Result::closed, 0};
    }
    case Op::ring_io_drain: co_await w.streams[n].drain(); co_return Given{};
    case Op::ring_io_close: w.streams[n].close(); co_return Given{};

    case Op::create: co_return create(w, int(n));
    case Op::cancel: co_return Given{Result::ok, task().cancel()};
    case Op::done: co_return Given{Result::ok, task().done()};
    case Op::join: co_return co_await valued(task(), step);
    case Op::outcome: co_return co_await valued(task().outcome(), step);
    case Op::gather: {
        const auto values = co_await rouse::gather(gathered(w, step));
        Given sum;
        for (const int each : values) sum.value += each;
        co_return sum;
    }
    case Op::gather_outcomes: {
        const auto outcomes = co_await rouse::gather(rouse::return_exceptions, gathered(w, step));
        Given sum;
        for (rouse::Outcome<int> each : outcomes)
            sum.value += each.has_value() ? each.value() : each.cancelled() ? 1000 : 10'000;
        co_return sum;
    }
    case Op::fail:
    case Op::end_of_list: break;
    }
    co_return Given{};
}

inline rouse::Task<int> run_body(World& w, int number, int start) {
    Running self{w, number, start};
    const Body& body = w.program.bodies[std::size_t(number)];
    for (; self.step < body.count && !w.over; ++self.step) {
        const Step step = body.steps[self.step];
        w.next_number += puts(step);
        // Where bad use panics, it is not tried.
        if (const Result predicted = self.predicted();
            predicted == Result::skipped || (predicted == Result::misuse && !with_exceptions)) {
            self.record({predicted, 0});
            continue;
        }
        self.in_step = true;
#if ROUSE_EXCEPTIONS
        try {
            const Given result = co_await perform(self, step);
            self.record(result);
        } catch (const rouse::CancelledError&) {
            self.record({Result::cancelled, 0});
            if (!body.catches || w.over) throw;
        } catch (const Failure&) {
            self.record({Result::threw, 0});
            if (!body.catches) throw;
        } catch (const rouse::UsageError&) {
            self.record({Result::misuse, 0});
        }
        if (step.op == Op::fail && !w.over) throw Failure{};
#else
        const Given result = co_await perform(self, step);
        self.record(result);
        if (step.op == Op::fail) co_return self.id;
#endif
    }
    if (self.step == body.count) self.record({Result::ended, self.id});
    co_return self.id;
}

/// Task 0: starts the others, and ends them at the horizon.
inline rouse::Task<> supervise(World& w) {
    for (int i = 1; i <= w.program.tasks; ++i) {
        if (w.program.bodies[std::size_t(i)].at_start) create(w, i);
    }
    co_await rouse::sleep(Milliseconds{horizon});
    bool left = w.program.ending == Ending::cancelled;
    while (left) {
        left = false;
        for (const auto& each : w.tasks) left = each.cancel() || left;
        if (left) co_await rouse::sleep(Milliseconds{1});
    }
    w.over = true;
    for (auto& each : w.tasks) {
        if (each.done()) each = {};
    }
}

/// How the objects are left, and how many errors nobody has seen: as Prediction::describe.
inline void describe(World& w) {
    std::uint8_t number = most_steps;
    const int time = int(std::chrono::duration_cast<Milliseconds>(rouse::Clock::now().time_since_epoch()).count());
    const auto add = [&](int value) { w.trace.add({0, number++, Result::state, value, time}); };
    for (const auto& each : w.objects->events) add(each.is_set());
    for (const auto& each : w.locks) add(!each.locked());
    for (const auto& each : w.objects->semaphores) add(!each.locked());
    for (const auto& each : w.objects->queues) add(int(each.qsize()));
    for (const auto& each : w.objects->barriers) add(each.broken());
    for (const auto& each : w.objects->delays) add(each.running());
    for (const auto& each : w.objects->flags) add(each.is_set());
    for (const auto& each : w.objects->shared_events) add(each.is_set());
    for (const auto& each : w.objects->shared_queues) add(int(each.qsize()));
    for (const auto& each : w.messages) add(each.is_set());
    for (const auto& each : w.latest) add(each.fresh());
    for (const auto& each : w.one_shots) add(each.is_set());
    for (const auto& each : w.streams) add(each.closed());
    for (auto& each : w.streams) {
        int left = 0;
        while (each.next_to_send()) ++left;
        add(left);
    }
    add(w.reports);
}

/// What is wrong, or null.
inline const char* run(World& w) {
    InterruptingPort port;
    port.world = &w;
    {
        rouse::Loop loop{port};
#if ROUSE_EXCEPTIONS
        loop.set_exception_handler([&w](std::string_view, std::exception_ptr) { ++w.reports; });
#endif
        const Ending ending = w.program.ending;
        if (ending == Ending::cancelled || ending == Ending::run_cancels) {
            loop.run(supervise(w));
            if (loop.live_tasks() != 0) return "tasks are left when run() has returned";
            if (ending == Ending::cancelled) describe(w);
        } else {
            loop.run_until_complete(supervise(w));
            w.destroying = true;
            if (ending == Ending::objects_first) w.objects.reset();
        }
    }
    w.tasks = {};
    return w.frames == 0 ? nullptr : "frames are left when the loop has gone";
}

struct Verdict {
    const char* fault = nullptr; // null: all is as predicted
    std::uint32_t entry = 0;     // where they differ
};

inline Verdict compare(const Trace& expected, const Trace& actual) {
    for (std::uint32_t i = 0; i < expected.count || i < actual.count; ++i) {
        if (i >= expected.count || i >= actual.count || expected.entries[i] != actual.entries[i])
            return {"it does not do what the table says", i};
    }
    return {nullptr, actual.count};
}

/// Both traces, to where they differ.
inline std::string difference(const Program& program, const Trace& expected, const Trace& actual) {
    const std::uint32_t differ = compare(expected, actual).entry;
    std::string text;
    for (std::uint32_t i = 0; i < differ; ++i)
        text += joined({"      both  ", to_text(actual.entries[i], program), "\n"});
    const auto entry = [&](const Trace& trace) {
        return differ < trace.count ? to_text(trace.entries[differ], program) : "nothing more";
    };
    return text + joined({"  expected  ", entry(expected), "\n  happened  ", entry(actual), "\n"});
}

inline Verdict check(const Program& program, Trace& expected, Trace& actual) {
    if (!Prediction{program, expected}.run()) return {"it does not end, says the table", 0};
    World world{program, expected, actual};
    const char* fault = run(world);
    const Verdict verdict = compare(expected, actual);
    return verdict.fault != nullptr || fault == nullptr ? verdict : Verdict{fault, expected.count};
}

} // namespace simulation
