// Lock: one task at a time.
#pragma once

#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/acquire.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Mutual exclusion between the tasks of one loop, over several of their steps. It is not for threads.
///
/// First come, first served: release() hands the lock to the task that has waited longest, so nobody can take it in
/// between. If that task is cancelled before it runs, the lock goes on to the next. A lock must outlive its Guards.
/// Nothing is allocated.
class Lock {
public:
    /// Holds the lock until it is destroyed or released.
    using Guard = detail::Guard<Lock>;

    constexpr Lock() noexcept = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// `co_await lock.acquire()`: returns when this task has the lock, which it then has to release().
    [[nodiscard]] auto acquire() noexcept { return detail::AcquireAwaiter<Lock>{*this}; }

    /// `auto guard = co_await lock.scoped()`: the same, with a Guard that releases it.
    [[nodiscard]] auto scoped() noexcept { return detail::ScopedAwaiter<Lock>{*this}; }

    /// Gives the lock to the task that has waited longest. UsageError if the lock is not held.
    void release() {
        if (!locked_) detail::misuse("rouse: Lock::release: the lock is not held");
        pass_on();
    }

    /// Whether somebody holds the lock, or has been handed it and not run yet.
    [[nodiscard]] bool locked() const noexcept { return locked_; }

private:
    friend Guard;
    friend detail::AcquireAwaiter<Lock>;
    friend class Condition; // gives it back and takes it again
    static constexpr detail::TaskState waiting_state = detail::TaskState::waiting_in_lock;

    // True if nobody held the lock: then it is granted.
    bool grant_if_free(detail::GrantWaiter& waiter) noexcept {
        if (locked_) return false;
        locked_ = true;
        grants_.grant(waiter);
        return true;
    }
    void pass_on() noexcept { locked_ = grants_.grant_next(); }

    detail::GrantQueue grants_;
    bool locked_ = false; // stays true while the lock is handed over
};

} // namespace ROUSE_ABI
} // namespace rouse
