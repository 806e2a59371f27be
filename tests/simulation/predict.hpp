// Predicts, entry by entry, what a program does.
//
// The order comes from the rules that users are promised: a turn takes what has arrived, then the timers that are due,
// then resumes up to 64 tasks from the front of the ready queue; time passes only when nothing is ready.
#pragma once

#include <algorithm>
#include <utility>

#include "steps.hpp"

namespace simulation {

class Prediction : Steps {
public:
    Prediction(const Program& program, Trace& into) : Steps{program, into} {
        into.clear();
        for (const Row& row : table) {
            if (row.waits != Where::first_place && row.waits != Where::second_place && row.waits != Where::delay)
                continue;
            for (int i = 0; i < objects_of_a_kind; ++i) prepare(row, m_.object(row.kind, i), i);
        }
    }

    /// False if it does not end.
    [[nodiscard]] bool run() {
        m_.starts[0] = 1;
        m_.go(m_.task(0));
        while (true) {
            for (List arrived = std::exchange(m_.inbox, {}); !arrived.empty();) {
                const int number = arrived.pop();
                m_.arrive(m_.place(number), m_.objects[std::size_t(number / 4)][std::size_t(number / 2 % 2)]);
            }
            for (int first; (first = m_.first_timer()) >= 0 && m_.timers[std::size_t(first)].time <= m_.now;)
                fire(first);
            for (int steps = 0; steps < 64 && !m_.ready.empty(); ++steps) {
                Task& task = m_.task(m_.ready.pop());
                resume(task);
                if (task.id == 0 && task.state == State::done) return m_.now < endless;
            }
            if (m_.ready.empty() && m_.inbox.empty()) sleep();
        }
    }

private:
    static void prepare(const Row& row, Object& object, int number) {
        const bool by_inbox = row.kind == Kind::flag || row.kind == Kind::shared_event ||
                              row.kind == Kind::shared_queue || row.kind >= Kind::message;
        object.capacity = row.kind == Kind::barrier      ? number + 2
                          : row.kind == Kind::delay      ? 2 - 2 * number
                          : row.kind >= Kind::ring_io_in ? ring_bytes
                                                         : number + 1;
        if (row.kind == Kind::lock) object.level = 1;
        if (row.kind == Kind::semaphore) object.level = number + 1;
        Place& place = object.places[row.waits == Where::second_place];
        place.foreign = by_inbox;
        if (row.kind == Kind::shared_queue || row.kind == Kind::ring_io_out) {
            place.ready = row.waits == Where::first_place ? item_or_closed : room_or_closed;
        } else if (by_inbox) {
            place.ready = set;
        }
    }

    // The loop sleeps, until the first timer or the first interrupt.
    void sleep() {
        const int first = m_.first_timer();
        const int due = m_.timers[std::size_t(first)].time; // there is one: that of task 0
        if (next_interrupt_ == program_.interrupt_count || program_.interrupts[next_interrupt_].time > due) {
            m_.now = std::max(m_.now, due);
            return;
        }
        const int time = program_.interrupts[next_interrupt_].time;
        m_.now = std::max(m_.now, time);
        for (; next_interrupt_ < program_.interrupt_count && program_.interrupts[next_interrupt_].time == time;
             ++next_interrupt_) {
            Task nobody;
            const Step step = program_.interrupts[next_interrupt_].step;
            nobody.number = m_.next_number;
            m_.next_number += simulation::puts(step);
            Call call = called(nobody, step);
            table[std::size_t(step.op)].completes(call);
        }
    }

    void fire(int index) {
        const Timer timer = m_.timers[std::size_t(index)];
        m_.remove_timer(index);
        Task& task = m_.task(timer.task);
        switch (timer.action) {
        case Timer::wake: m_.go(task); break;
        case Timer::interrupt: task.late = m_.interrupt(task); break;
        case Timer::cancel: task.late = m_.cancel(m_.task(timer.target)); break;
        }
    }

    void resume(Task& task) {
        if (task.cancel_requested && !task.started) { // it has no co_await at which it could be told
            m_.end(task, Fate::cancelled);
            return;
        }
        task.started = true;
        task.state = State::running;
        if (task.id == 0) {
            supervise(task);
            return;
        }
        if (task.suspended && !go_on(task)) return;
        while (task.step < body_of(task).count) {
            if (!perform(task)) {
                // It was cancelled while it ran, by way of one that awaits it.
                if (task.state == State::waiting && task.cancel_requested) m_.cancel(task);
                return;
            }
        }
        record(task, {Result::ended, task.id});
        m_.end(task, Fate::value);
    }

    // Task 0: starts the others, and ends them at the horizon.
    void supervise(Task& task) {
        bool left = false;
        if (!task.suspended) {
            for (int i = 1; i <= program_.tasks; ++i) {
                if (program_.bodies[std::size_t(i)].at_start) m_.start(i);
            }
            suspend_until(task, horizon);
            return;
        }
        if (program_.ending == simulation::Ending::cancelled) {
            for (int i = 1; i <= most_tasks; ++i) {
                Task* const each = m_.newest(i);
                left = (each != nullptr && m_.cancel(*each)) || left;
            }
        }
        if (left && m_.now < endless) {
            suspend_until(task, m_.now + 1);
            return;
        }
        task.state = State::done;
        if (program_.ending == simulation::Ending::cancelled) describe();
    }

    void suspend_until(Task& task, int time) {
        suspend(task, Waits::for_time);
        m_.set_timer(time, Timer::wake, task.id);
    }

    // How the objects are left, and how many errors nobody has seen.
    void describe() {
        std::uint8_t number = most_steps;
        const auto add = [&](int value) { m_.trace.add({0, number++, Result::state, value, m_.now}); };
        for (std::size_t kind = 1; kind < std::size_t(Kind::end_of_list); ++kind) {
            for (const Object& object : m_.objects[kind]) {
                switch (Kind(kind)) {
                case Kind::queue:
                case Kind::shared_queue: add(object.items.size()); break;
                case Kind::condition:
                case Kind::ring_io_idle: break;
                case Kind::ring_io_in: add(object.closed); break;
                case Kind::ring_io_out: add(object.items.size()); break;
                case Kind::barrier: add(object.closed); break;
                case Kind::delay: add(object.level > 0 && m_.now < object.deadline); break;
                default: add(set(object));
                }
            }
        }
        int unseen = 0;
        for (const Task& task : m_.tasks) unseen += task.fate == Fate::error && !task.seen;
        add(unseen);
    }

    static constexpr int endless = 1000; // ms

    std::size_t next_interrupt_ = 0;
};

} // namespace simulation
