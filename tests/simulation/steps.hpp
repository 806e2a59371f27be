// What one task does in its steps, by the table.
#pragma once

#include "reference.hpp"

namespace simulation {

class Steps {
protected:
    Steps(const Program& program, Trace& into) : m_{program, into}, program_{program} {}

    Call called(Task& self, Step step) {
        const Kind kind = table[std::size_t(step.op)].kind;
        const bool of_task = texts[std::size_t(step.op)].operand == Operand::task;
        return {m_, self, step, m_.object(kind, kind == Kind::none ? 0 : step.operand),
                of_task ? m_.newest(step.operand) : nullptr};
    }

    static const Row& row_of(Step step) { return table[std::size_t(step.op)]; }
    const Body& body_of(const Task& task) const { return program_.bodies[std::size_t(task.id / starts_of_a_body)]; }

    void record(const Task& task, Given given) {
        m_.trace.add({std::uint8_t(task.id), task.step, given.result, given.value, m_.now});
    }

    // A task is resumed. False if it ends here.
    bool go_on(Task& task) {
        const Step step = body_of(task).steps[task.step];
        task.suspended = false;
        m_.remove_timers_of(task.id);
        if (step.rival != no_rival) return go_on_from_race(task, step);
        leave(task);
        if (std::exchange(task.cancel_requested, false)) {
            pass_on(task, step);
            task.given_up = false;
            return completed(task, {Result::cancelled, 0});
        }
        if (std::exchange(task.given_up, false)) task.late = true;
        if (task.late && step.op != Op::join) pass_on(task, step); // the lock of a condition
        if (task.late && step.op != Op::join) return completed(task, {Result::timed_out, 0});
        const Given given = complete(task, step);
        if (given.result != Result::none) return completed(task, given);
        Call call = called(task, step);
        begin_to_wait(call);
        return false;
    }

    // It no longer waits in anything.
    void leave(Task& task) {
        if (task.place != nullptr) task.place->waiting.remove(task.id);
        if (task.place != nullptr && task.place->holder == task.id) task.place->holder = -1;
        task.place = nullptr;
        for (const int each : task.awaited) m_.task(each).awaiters.remove(task.id); // a gather may end early
    }
    // What was kept for a task that was woken goes to the next.
    void pass_on(Task& task, Step step) {
        Call call = called(task, step);
        if (std::exchange(task.granted, false)) row_of(step).passes_on(call);
    }
    Given complete(Task& task, Step step) {
        Call call = called(task, step);
        return row_of(step).completes(call);
    }

    // A step has completed. False if that ends the task.
    bool completed(Task& task, Given given) {
        record(task, given);
        const bool fails = given.result == Result::threw || body_of(task).steps[task.step].op == Op::fail;
        if (given.result == Result::cancelled || fails) {
            const bool goes_on = body_of(task).catches && with_exceptions && given.result != Result::ok;
            if (!goes_on) {
                const bool cancelled = given.result == Result::cancelled;
                m_.end(task, cancelled ? Fate::cancelled : with_exceptions ? Fate::error : Fate::value);
                return false;
            }
        }
        ++task.step;
        return true;
    }

    // The next step. False if the task suspends or ends.
    bool perform(Task& task) {
        const Step step = body_of(task).steps[task.step];
        if (simulation::puts(step)) task.number = m_.next_number++;
        task.late = task.given_up = false;
        if (step.rival != no_rival) return race(task, step);
        Call call = called(task, step);
        if (row_of(step).refused(call)) return completed(task, {Result::misuse, 0});
        if (row_of(step).skipped(call)) return completed(task, {Result::skipped, 0});
        await(call);
        if (row_of(step).at_once(call)) {
            const Given given = row_of(step).completes(call);
            if (with_exceptions || given.result != Result::cancelled) return completed(task, given);
            // Awaiting a cancelled task cancels, where nothing can be thrown: it does not go on when it is resumed.
            task.cancel_requested = true;
            suspend(task, Waits::in_ready_queue);
            return false;
        }
        begin_to_wait(call);
        limit(task, step);
        return false;
    }

    void begin_to_wait(Call& call) {
        Task& task = call.self;
        switch (row_of(call.step).waits) {
        case Where::first_place: wait_in(task, call.o, 0); break;
        case Where::second_place: wait_in(task, call.o, 1); break;
        case Where::condition:
            wait_in(task, call.o, 0);
            task.waits = Waits::for_condition;
            task.object = &its_lock(call);
            task.notified = task.given_up = false;
            task.held = std::uint8_t(task.held & ~(1U << call.step.operand));
            m_.hand_over(its_lock(call));
            break;
        case Where::delay:
            wait_in(task, call.o, 0);
            task.waits = Waits::for_time;
            if (call.o.level > 0) m_.set_timer(call.o.deadline, Timer::wake, task.id);
            break;
        case Where::task:
        case Where::group:
            suspend(task, row_of(call.step).waits == Where::task ? Waits::for_task : Waits::for_group);
            for (const int each : task.awaited) {
                if (m_.task(each).state != State::done) m_.task(each).awaiters.push(task.id);
            }
            break;
        case Where::time:
            if (call.step.operand != 0) {
                suspend(task, Waits::for_time);
                m_.set_timer(m_.now + call.step.operand, Timer::wake, task.id);
                break;
            }
            [[fallthrough]];
        default: suspend(task, Waits::in_ready_queue);
        }
    }

    // Who is awaited, and how.
    void await(Call& call) {
        Task& task = call.self;
        const Where waits = row_of(call.step).waits;
        if (waits != Where::task && waits != Where::group) return;
        task.awaited = {};
        task.failed = -1;
        if (waits == Where::task) {
            task.awaited.push(call.target->id);
            task.wants_outcome = call.step.op == Op::outcome || call.step.limit != no_limit;
            return;
        }
        task.failure_ends = call.step.op == Op::gather;
        for_gathered(call, [&task](Task& each) {
            task.awaited.push(each.id);
            if (each.state == State::done && each.fate != Fate::value && task.failed < 0) task.failed = each.id;
        });
    }

    void suspend(Task& task, Waits how) {
        task.suspended = true;
        task.waits = how;
        if (how == Waits::in_ready_queue) {
            m_.go(task);
        } else {
            task.state = State::waiting;
        }
    }

    void wait_in(Task& task, Object& object, std::size_t which) {
        Place& place = object.places[which];
        suspend(task, Waits::in_place);
        task.object = &object;
        task.place = &place;
        place.holder = task.id;
        place.waiting.push(task.id);
    }

    // With zero or less, only what is there already is not too late.
    void limit(Task& task, Step step) {
        if (step.limit == no_limit) return;
        const bool cancels = step.op == Op::join && step.rival == no_rival; // and waits on
        const int target = cancels ? *task.awaited.begin() : 0;
        if (step.limit > 1) {
            m_.set_timer(m_.now + step.limit - 1, cancels ? Timer::cancel : Timer::interrupt, task.id, target);
        } else {
            task.late = cancels ? m_.cancel(m_.task(target)) : m_.interrupt(task);
        }
    }

    // ---- select: a branch for each of its waits ----

    bool race(Task& task, Step step) {
        const auto waits = raced(step);
        if (cannot_be_raced(task, step)) return completed(task, {Result::skipped, 0});
        task.first = -1;
        task.over = false;
        task.absent = 0;
        for (int i = 0; i < 2; ++i) {
            Task& branch = m_.branch(task, i);
            const std::int8_t id = branch.id;
            branch = Task{};
            branch.id = id;
            branch.owner = task.id;
            branch.number = task.number;
            branch.state = State::running;
        }
        // If both have what they wait for at once, the first wins.
        for (int i = 0; i < 2; ++i) {
            if (!is_at_once(m_.branch(task, i), waits[std::size_t(i)])) continue;
            task.first = m_.branch(task, i).id;
            if (!cancels_where_nothing_is_thrown(m_.branch(task, i), waits[std::size_t(i)]))
                return completed(task, complete_race(task, step));
            break;
        }
        suspend(task, Waits::for_first);
        for (int i = 0; i < 2; ++i) {
            Task& branch = m_.branch(task, i);
            if (branch.id == task.first) { // once round the ready queue, to be cancelled
                branch.cancel_requested = true;
                m_.finish_race(task);
                task.cancel_requested = task.absent == 0;
                if (task.absent == 0) suspend(task, Waits::in_ready_queue);
                break;
            }
            Call call = called(branch, waits[std::size_t(i)]);
            begin_to_wait(call);
        }
        limit(task, step);
        return false;
    }

    bool cannot_be_raced(Task& task, Step step) {
        const auto waits = raced(step);
        for (const Step each : waits) {
            Call call = called(task, {each.op, each.operand, step.limit});
            if (row_of(each).refused(call) || row_of(each).skipped(call)) return true;
            if (waits[0] == waits[1] && row_of(each).refused != never) return true; // a place for one
        }
        return false;
    }

    bool is_at_once(Task& branch, Step step) {
        Call call = called(branch, step);
        await(call);
        return row_of(step).at_once(call);
    }
    bool cancels_where_nothing_is_thrown(Task& task, Step step) {
        const Call call = called(task, step);
        return !with_exceptions && step.op == Op::join && call.target->fate == Fate::cancelled;
    }

    // The first has what it waits for.
    Given complete_race(Task& task, Step step) {
        const int which = task.first == m_.branch(task, 1).id;
        Task& branch = m_.branch(task, which);
        Given given = complete(branch, raced(step)[std::size_t(which)]);
        task.held |= branch.held;
        if (given.result == Result::threw && step.limit != no_limit) given = {Result::had_failed, 0};
        if (given.result == Result::ok || given.result == Result::closed) given.value += 1000 * which;
        return given;
    }

    bool go_on_from_race(Task& task, Step step) {
        const bool cancelled = std::exchange(task.cancel_requested, false);
        for (int i = 0; i < 2; ++i) leave(m_.branch(task, i));
        if (task.first >= 0 && m_.task(task.first).given_up) task.late = true;
        if (!cancelled && !task.late) return completed(task, complete_race(task, step));
        for (int i = 0; i < 2; ++i) pass_on(m_.branch(task, i), raced(step)[std::size_t(i)]);
        return completed(task, {cancelled ? Result::cancelled : Result::timed_out, 0});
    }

    Model m_;
    const Program& program_;
};

} // namespace simulation
