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
        look(scheduler);
        return front(scheduler);
    }

    /// Takes in what has arrived, and makes the tasks ready whose timers are due.
    static void look(Scheduler& scheduler) {
        scheduler.current_ = &scheduler;
        scheduler.begin_turn();
    }

    /// The task that is resumed next, without looking; null if none is ready.
    static TaskRecord* front(Scheduler& scheduler) {
        return scheduler.ready_.empty() ? nullptr : &scheduler.ready_.front();
    }

    /// Resumes the task that next() or front() has returned.
    static void step(Scheduler& scheduler) { scheduler.step(scheduler.ready_.pop()); }

    /// Sleeps until the next deadline. Returns false if there is none: nothing will ever be ready again.
    static bool sleep(Scheduler& scheduler) {
        if (scheduler.next_deadline() == (TimePoint::max)()) return false;
        scheduler.wait_until(scheduler.next_deadline());
        return true;
    }

    [[nodiscard]] static TimePoint next_deadline(Scheduler& scheduler) { return scheduler.next_deadline(); }

    /// Falls asleep, calls `interrupt` as a foreign context would be, and wakes up.
    template <class F>
    static void doze(Scheduler& scheduler, F interrupt) {
        struct Awakening {
            explicit Awakening(Scheduler& of) : scheduler{of} {}
            Awakening(const Awakening&) = delete;
            Awakening& operator=(const Awakening&) = delete;
            ~Awakening() {
                scheduler.wait_until(at_once);
                scheduler.take_inbox();
            }
            Scheduler& scheduler;
        };
        if (!scheduler.inbox_.fall_asleep()) return;
        scheduler.asleep_ = true;
        const Awakening awakening{scheduler};
        interrupt();
    }
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
