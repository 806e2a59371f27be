// How a Loop lives: its turns, its sleep, the ways to run it, and its end.
#pragma once

#include <utility>

#include <rouse/core/loop.hpp>

namespace rouse::inline ROUSE_ABI {

inline TimePoint Clock::now() { return Loop::current().port().now(); }

inline Loop::Loop(Port& port)
    : port_{port}, inbox_{port, this}, pool_{core::FramePool::create(this, &current_)}, older_{newest_} {
    newest_ = this;
    if (current_ == nullptr || !current_->running()) current_ = this;
}

inline Loop::~Loop() {
    // In a child of fork() this may be the loop of a thread that is not there any more.
    Loop* const running = current_ != nullptr && current_ != this && current_->running() ? current_ : nullptr;
    current_ = this;
    // In the order in which cancelling would end them: those that are awaited before those that await them.
    pool_->for_each_in_use([this](core::TaskRecord& task) {
        if (task.is_task && !task.finished()) cancel(task);
    });
    while (!ready_.empty()) destroy_frame(ready_.pop());
    take_inbox();
    while (!ready_.empty()) destroy_frame(ready_.pop());
    // Those that cannot be taken out, since a foreign context has them, or they wait for each other in a circle.
    pool_->for_each_in_use([this](core::TaskRecord& task) {
        if (task.is_task && !task.finished()) ready_.push(task);
    });
    while (!ready_.empty()) destroy_frame(ready_.pop());
    take_inbox();
    while (wakes_owed_ > 0) wait_until(forever);
    pool_->abandon();

    Loop** link = &newest_;
    while (*link != this && *link != nullptr) link = &(*link)->older_;
    if (*link == this) *link = older_;
    current_ = running != nullptr ? running : newest_;
#if ROUSE_EXCEPTIONS
    delete exception_handler_;
#endif
}

inline Loop& Loop::current() {
    if (current_ == nullptr)
        misuse("rouse: there is no loop on this thread; this works inside run(), or beside a Loop");
    return *current_;
}

inline void Loop::refuse_to_nest() {
    if (blocking_refused()) {
        misuse("rouse: run: a loop is running on this thread already; use co_await or create_task inside it");
    }
}

inline void Loop::begin_turn() noexcept {
    if (!inbox_.empty()) take_inbox();
    if (!timers_.empty()) fire_due_(*this);
}

inline void Loop::take_inbox() noexcept {
    if (!inbox_.take() && asleep_) ++wakes_owed_;
    asleep_ = false;
}

inline void Loop::sleep() noexcept {
#if ROUSE_BUSY_POLLING
    if (busy_poll_ != nullptr && busy_poll_(*this)) return;
#endif
    asleep_ = inbox_.fall_asleep();
    if (!asleep_) return;
    wait_until(next_deadline());
    take_inbox();
}

template <class F>
void Loop::wait_for_arrival(F arrived) noexcept {
    const bool was_asleep = asleep_; // between two poll()s
    take_inbox();
    while (!arrived()) {
        asleep_ = inbox_.fall_asleep();
        if (asleep_) wait_until(forever);
        take_inbox();
    }
    if (!was_asleep) return;
    asleep_ = inbox_.fall_asleep();
    if (!asleep_) { // something came in between: the host has to look again
        ++wakes_owed_;
        port_.wake();
    }
}

inline void Loop::run_to(core::TaskRecord& sentinel) {
    current_ = this;
    sentinel_ = &sentinel;
    if (std::exchange(stop_requested_, false)) ready_.push(sentinel);
    for (bool ended = false; !ended;) {
        begin_turn();
        for (unsigned steps = 0; steps < steps_per_turn && !ready_.empty(); ++steps) {
            core::TaskRecord& task = ready_.pop();
            if (&task == &sentinel) {
                ended = true;
                break;
            }
            step(task);
        }
        if (ended) break;
        if (ready_.empty()) {
            sleep();
        } else {
            wait_until(at_once);
        }
    }
    sentinel_ = nullptr;
    current_ = newest_;
}

inline void Loop::wait_for(core::TaskRecord& task) {
    if (task.finished()) return;
    core::TaskRecord sentinel;
    sentinel.is_task = true;
    core::JoinWaiter waiter;
    waiter.task = &sentinel;
    waiter.told = &Loop::wake_joined;
    core::enter(waiter, task);
    waiter.wants_outcome = true;
    sentinel.state = core::TaskState::waiting_for_task;
    sentinel.link.waiter = &waiter;
    run_to(sentinel);
    if (waiter.awaited != nullptr) {
        core::leave(waiter);
        misuse("rouse: Loop::run_until_complete: the loop was stopped before the task had ended");
    }
}

inline void Loop::cancel_all() {
    if (live_ == 0) return;
    core::TaskRecord sentinel;
    sentinel.state = core::TaskState::running; // only finish() puts it into the ready queue
    ending_ = true;
    end_cancelled_ = &Loop::end_cancelled;
    pool_->for_each_in_use([this](core::TaskRecord& task) {
        if (task.is_task && !task.finished()) cancel(task);
    });
    run_to(sentinel);
    ending_ = false;
}

inline void Loop::run_forever() {
    refuse_to_nest();
    core::TaskRecord sentinel;
    sentinel.state = core::TaskState::running;
    run_to(sentinel);
}

inline void Loop::stop() noexcept {
    if (sentinel_ == nullptr || ending_) {
        stop_requested_ = !ending_;
    } else if (sentinel_->state != core::TaskState::ready) {
        ready_.push(*sentinel_);
    }
}

inline bool Loop::poll() {
    refuse_to_nest();
    current_ = this;
    wait_until(
        TimePoint{}); // long past, but not at_once: it has to take in the wakes, or the descriptor stays readable
    begin_turn();
    for (unsigned steps = 0; steps < steps_per_turn && !ready_.empty(); ++steps) step(ready_.pop());
    current_ = newest_;
    if (!ready_.empty()) return true;
    asleep_ = inbox_.fall_asleep();
    return !asleep_;
}

inline TimePoint Loop::next_deadline() const noexcept {
    if (!ready_.empty()) return at_once;
    return timers_.empty() ? forever : timers_.first_deadline();
}

} // namespace rouse::inline ROUSE_ABI
