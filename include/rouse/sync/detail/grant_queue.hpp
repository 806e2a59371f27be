// GrantQueue: the tasks that wait for their turn at something, and those whose turn has come but who have not yet run.
// What Lock, Semaphore and Queue keep their promises with.
#pragma once

#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class GrantQueue;

/// A task's place among those that wait for a grant. What it is called for is kept for it until it resumes and takes
/// it; if the task does not get that far, the one whose Turn this is passes it on, in its destructor.
class GrantWaiter : public ListWaiter {
public:
    /// Whether its turn has come, and has not ended. False if the object that called it is gone.
    [[nodiscard]] bool granted() const noexcept { return granted_ && (linked() || task == nullptr); }

    /// The turn ends: what it was called for has been taken, or passed on.
    void end_grant() noexcept {
        unlink();
        granted_ = false;
    }

private:
    friend GrantQueue;
    bool granted_ = false; // its turn has come, and has not ended: not in the list `waiting_` of its GrantQueue
};

/// First come, first called. If it is destroyed, those in it are in no list then, and wait until they are cancelled.
class GrantQueue {
public:
    /// The task in `turn`, which is suspended, waits.
    void wait(GrantWaiter& waiter) noexcept { waiting_.push_back(waiter); }

    /// Its turn has come. If its task has not suspended it takes it now, with nothing in between, and need not be
    /// listed.
    void grant(GrantWaiter& waiter) noexcept {
        waiter.granted_ = true;
        if (waiter.task != nullptr) granted_.push_back(waiter);
    }

    /// Calls the one that has waited longest, and makes its task ready. False if nobody waits.
    bool grant_next() noexcept {
        if (waiting_.empty()) return false;
        GrantWaiter& next = static_cast<GrantWaiter&>(waiting_.pop_front());
        grant(next);
        // It waits in the Turn itself, or in a waiter that the Turn stands for (see Condition); and when the loop is
        // being destroyed, in nothing.
        if (next.task->waiting()) Scheduler::wake(*next.task->link.waiter);
        return true;
    }

private:
    WaitList waiting_;
    WaitList granted_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
