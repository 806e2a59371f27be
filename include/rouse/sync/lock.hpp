// Lock: one task at a time.
#pragma once

#include <rouse/sync/acquire.hpp>

namespace rouse::inline ROUSE_ABI {

namespace core {
class ConditionAwaiter;
}

/// Mutual exclusion between the tasks of one loop, over several of their steps. It is not for threads.
///
/// First come, first served: release() hands the lock to the task that has waited longest, so nobody can take it in
/// between. If that task is cancelled before it runs, the lock goes on to the next. A lock must outlive its Guards.
/// Nothing is allocated.
class Lock {
public:
    /// Holds the lock until it is destroyed or released.
    using Guard = core::Guard<Lock>;

    constexpr Lock() noexcept = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// `co_await lock.acquire()`: returns when this task has the lock, which it then has to release().
    [[nodiscard]] auto acquire() noexcept { return core::AcquireAwaiter<Lock>{*this}; }

    /// `auto guard = co_await lock.scoped()`: the same, with a Guard that releases it.
    [[nodiscard]] auto scoped() noexcept { return core::ScopedAwaiter<Lock>{*this}; }

    /// Gives the lock to the task that has waited longest. UsageError if the lock is not held.
    void release() {
        if (!locked_) misuse("rouse: Lock::release: the lock is not held");
        pass_on();
    }

    /// Whether somebody holds the lock, or has been handed it and not run yet.
    [[nodiscard]] bool locked() const noexcept { return locked_; }

private:
    friend Guard;
    friend core::AcquireAwaiter<Lock>;
    friend core::ConditionAwaiter; // gives it back and takes it again
    friend class Condition;

    // True if nobody held the lock: then it is granted.
    bool take(core::Turn& turn) noexcept {
        if (locked_) return false;
        locked_ = true;
        turns_.grant(turn);
        return true;
    }
    void pass_on() noexcept { locked_ = turns_.call_next(); }

    core::Turns turns_;
    bool locked_ = false; // stays true while the lock is handed over
};

} // namespace rouse::inline ROUSE_ABI
