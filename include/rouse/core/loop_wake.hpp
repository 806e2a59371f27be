// How a Loop makes waiting tasks go on: because what they wait for has happened, the time is up, or somebody ends the
// wait.
#pragma once

#include <rouse/core/loop.hpp>

namespace rouse::inline ROUSE_ABI {

inline bool Loop::waits_in(const core::Waiter& waiter) noexcept {
    return waiter.task->waiting() && waiter.task->link.waiter == &waiter;
}

inline void Loop::go_on(core::Branch& branch) noexcept {
    branch.state = core::TaskState::running;
    branch.woken(branch);
}

inline void Loop::make_ready(core::Waiter& waiter) noexcept {
    if (!waits_in(waiter)) return;
    if (waiter.task->is_task) {
        ready_.push(*waiter.task);
    } else {
        go_on(static_cast<core::Branch&>(*waiter.task));
    }
}

inline void Loop::wake(core::Waiter& waiter) noexcept {
    if (ROUSE_HOSTED && !waiter.task->is_task) { // a branch, which is in no pool
        if (waits_in(waiter)) go_on(static_cast<core::Branch&>(*waiter.task));
    } else {
        core::FramePool::of(*waiter.task)->loop()->make_ready(waiter);
    }
}

inline void Loop::wake_next(core::Waiter& waiter) noexcept {
    if (waits_in(waiter)) ready_.push_front(*waiter.task);
}

inline void Loop::wake_joined(core::JoinWaiter& waiter, core::TaskRecord& ended) noexcept {
    // Without exceptions the awaiter of a cancelled task cannot be told; it is cancelled too.
    if (!ROUSE_EXCEPTIONS && ended.ending == core::Ending::cancelled && !waiter.wants_outcome) {
        waiter.task->cancel_requested = true;
    }
    current_->make_ready(waiter); // the loop on which it has ended
}

inline bool Loop::interrupt(core::TaskRecord& task) noexcept {
    if (!task.waiting() || !take_out(task)) return false;
    ready_.push(task);
    return true;
}

inline bool Loop::take_out(core::TaskRecord& task) noexcept {
    using core::TaskState;
    core::Waiter& waiter = *task.link.waiter;
    switch (task.state) {
    case TaskState::waiting_in_list: static_cast<core::ListWaiter&>(waiter).unlink(); return true;
    case TaskState::waiting_for_time: timers_.remove(static_cast<core::Timer&>(waiter)); return true;
    case TaskState::waiting_for_task: core::leave(static_cast<core::JoinWaiter&>(waiter)); return true;
    default: return static_cast<core::ForeignWaiter&>(waiter).retract();
    }
}

// Whether a task has been cancelled, and only waits for what could not be taken out at once.
inline bool Loop::leaving(const core::TaskRecord& task) noexcept {
    return task.cancel_requested && task.state == core::TaskState::waiting_for_foreign;
}

inline void Loop::add_timer(core::Timer& timer) noexcept {
    timers_.add(timer);
    fire_due_ = &Loop::fire_due;
}

inline void Loop::fire(core::Timer& timer) noexcept {
    switch (timer.action) {
    case core::Timer::cancel: timer.late = cancel(*timer.task); break;
    case core::Timer::interrupt: timer.late = !leaving(*timer.task) && interrupt(*timer.task); break;
    default: make_ready(timer);
    }
}

inline void Loop::fire_due(Loop& loop) noexcept {
    const TimePoint now = loop.port_.now();
    while (core::Timer* timer = loop.timers_.take_due(now)) loop.fire(*timer);
}

} // namespace rouse::inline ROUSE_ABI
