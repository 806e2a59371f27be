// SteppedRun: runs a loop one resumption at a time, for tests that act between two of them.
#pragma once

#include <rouse/core/config.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Drives a scheduler in place of its run(): a friend of it, for tests only. On the thread of the loop.
struct SteppedRun {
    /// The task that is resumed next; null if none is ready, now that signals have arrived and timers are due.
    static TaskRecord* next(Scheduler& scheduler) {
        scheduler.current_ = &scheduler;
        scheduler.begin_turn();
        if (scheduler.ready_.empty()) return nullptr;
        TaskRecord& task = scheduler.ready_.pop();
        scheduler.ready_.push_front(task);
        return &task;
    }

    /// Resumes the task that next() has returned.
    static void step(Scheduler& scheduler) { scheduler.step(scheduler.ready_.pop()); }

    /// Sleeps until the next deadline. Returns false if there is none: nothing will ever be ready again.
    static bool sleep(Scheduler& scheduler) {
        if (scheduler.next_deadline() == (TimePoint::max)()) return false;
        scheduler.wait_until(scheduler.next_deadline());
        return true;
    }
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
