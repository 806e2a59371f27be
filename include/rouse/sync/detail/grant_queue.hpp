// GrantQueue: first-come, first-served grants to waiting tasks. Lock, Semaphore, Condition and Queue are built on it.
#pragma once

#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class GrantQueue;

/// A task's place in a GrantQueue. What was granted is kept for the task until it resumes and takes it. If the task
/// does not get that far, the destructor of the awaiter that contains this waiter passes the grant on.
class GrantWaiter : public ListWaiter {
public:
    /// Whether there is a grant that has not ended. False if the object that granted it was destroyed.
    [[nodiscard]] bool granted() const noexcept { return granted_ && (linked() || task == nullptr); }

    /// Ends the grant: what was granted has been taken or passed on.
    void end_grant() noexcept {
        unlink();
        granted_ = false;
    }

private:
    friend GrantQueue;
    bool granted_ = false; // granted and not ended; written by GrantQueue and end_grant()
};

/// The waiting tasks, first come, first served, and the tasks that have a grant and have not resumed yet. Waiters that
/// are in the queue when it is destroyed are unlinked; their tasks stay suspended until cancelled.
class GrantQueue {
public:
    /// Whether a task waits, or has a grant and has not resumed yet.
    [[nodiscard]] bool waiting() const noexcept { return !waiting_.empty() || !granted_.empty(); }

    /// Queues the waiter of a task that is suspended.
    void wait(GrantWaiter& waiter) noexcept { waiting_.push_back(waiter); }

    /// Lists the waiter of a task that has got a grant and is suspended all the same.
    void keep(GrantWaiter& waiter) noexcept { granted_.push_back(waiter); }

    /// Grants to `waiter`. If its task has not suspended, the task takes the grant at once, so it need not be listed.
    void grant(GrantWaiter& waiter) noexcept {
        waiter.granted_ = true;
        if (waiter.task != nullptr) granted_.push_back(waiter);
    }

    /// Grants to the waiter that has waited longest, and makes its task ready. Returns false if no task waits.
    bool grant_next() noexcept {
        if (waiting_.empty()) return false;
        GrantWaiter& next = static_cast<GrantWaiter&>(waiting_.pop_front());
        grant(next);
        // The task waits in the GrantWaiter itself, or in a waiter that contains it (see Condition). While the loop is
        // being destroyed the task may wait in nothing.
        if (next.task->waiting()) Scheduler::wake(*next.task->link.waiter);
        return true;
    }

private:
    WaitList waiting_; // not granted yet
    WaitList granted_; // granted, and the task has not resumed yet
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
