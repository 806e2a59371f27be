// Lock: mutual exclusion between tasks.
#pragma once

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/acquire.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Mutual exclusion between tasks that may suspend while they hold the lock.
///
/// Only for the tasks of one loop; it does not exclude other threads.
///
/// First come, first served: release() hands the lock directly to the task that has waited longest, so no other task
/// can acquire it in between. If that task is cancelled before it runs, the lock passes to the next one. Tasks that
/// wait when the lock is destroyed are not woken; they stay suspended until cancelled. A lock must outlive its Guards.
///
/// Nothing is allocated.
class Lock {
public:
    /// Owns the lock until the Guard is destroyed or released. Move-only.
    using Guard = detail::Guard<Lock>;

    constexpr Lock() noexcept = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
        if (grants_.waiting()) {
            owner_.check_in_destructor(
                "rouse: ~Lock: tasks of a loop of another thread wait; destroy it on that thread");
        }
    }

    /// `co_await lock.acquire()`: returns when this task holds the lock, which it must then release().
    [[nodiscard]] auto acquire() noexcept { return detail::AcquireAwaiter<Lock>{*this}; }

    /// `auto guard = co_await lock.scoped()`: acquires the lock and returns a Guard, which releases it.
    [[nodiscard]] auto scoped() noexcept { return detail::ScopedAwaiter<Lock>{*this}; }

    /// Hands the lock to the task that has waited longest. UsageError if the lock is not held.
    void release() {
        owner_.check_thread(
            "rouse: Lock::release: called on another thread than that of the loop whose tasks use it; use one lock for "
            "each loop");
        if (!locked_) detail::misuse("rouse: Lock::release: the lock is not held");
        pass_on();
    }

    /// Whether a task holds the lock, or has been handed the lock and has not run yet.
    [[nodiscard]] bool locked() const {
        owner_.check_thread(
            "rouse: Lock::locked: called on another thread than that of the loop whose tasks use it; use one lock for "
            "each loop");
        return locked_;
    }

private:
    friend Guard;
    friend detail::AcquireAwaiter<Lock>;
    friend class Condition; // its wait() releases the lock and acquires it again
    static constexpr detail::TaskState waiting_state = detail::TaskState::waiting_in_lock;
    static constexpr const char* acquired_elsewhere =
        "rouse: Lock::acquire: called on another thread than that of the loop whose tasks use it; use one lock for "
        "each loop";

    // If no task holds the lock, grants it to `waiter` and returns true.
    bool grant_if_free(detail::GrantWaiter& waiter) noexcept {
        if (locked_) return false;
        locked_ = true;
        grants_.grant(waiter);
        return true;
    }
    // Hands the lock, which must be held, to the next task that waits, if any.
    void pass_on() noexcept { locked_ = grants_.grant_next(); }

    detail::GrantQueue grants_;
    bool locked_ = false; // stays true while the lock is handed over
    [[no_unique_address]] detail::LoopOwner owner_;
};

} // namespace ROUSE_ABI
} // namespace rouse
