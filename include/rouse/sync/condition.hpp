// Condition: tasks that wait, with a lock, until something about what the lock protects has changed.
#pragma once

#include <cstddef>
#include <type_traits>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/task.hpp>
#include <rouse/sync/lock.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {
class ConditionAwaiter;
} // namespace detail

/// A lock, its own or one that it is given, and the tasks that wait under it to be notified. For the tasks of one loop.
///
///     auto guard = co_await condition.scoped();
///     while (!something) co_await condition.wait(); // or: co_await condition.wait_for(predicate);
///
/// wait() releases the lock, and has it again when it returns; also when it is left because the task was cancelled, or
/// its time is up. So a task that is cancelled goes on waiting for the lock, and being cancelled once more does not
/// spare it that. Without exceptions its frame is destroyed when it has the lock, so that a Guard in it can give it
/// back.
///
/// Those who wait are notified in the order in which they began, and queue for the lock at once, behind those who want
/// it already. A notification is not lost: if the task is cancelled before it runs, the next one is notified.
///
/// Give the lock back by a Guard: a task that is cancelled in wait() and keeps the lock lets the others wait for ever.
/// A lock must outlive its Guards, so a condition with a lock of its own must outlive the tasks that wait in it; those
/// that are left when main() returns are cancelled after its variables have gone. A lock that is given must outlive
/// the condition and those who wait for it. A condition that is destroyed leaves them
/// waiting, until they are cancelled. Nothing is allocated, except by wait_for(predicate), which is a coroutine.
class Condition {
public:
    /// Holds the lock until it is destroyed or released.
    using Guard = Lock::Guard;

    /// With a lock of its own.
    constexpr Condition() noexcept : lock_{own_} {}

    /// With a lock that others use too, perhaps other conditions.
    constexpr explicit Condition(Lock& lock) noexcept : lock_{lock} {}

    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    /// `co_await condition.acquire()`: as Lock::acquire.
    [[nodiscard]] auto acquire() noexcept { return lock_.acquire(); }

    /// `auto guard = co_await condition.scoped()`: as Lock::scoped.
    [[nodiscard]] auto scoped() noexcept { return lock_.scoped(); }

    /// As Lock::release. UsageError if the lock is not held.
    void release() {
        require_lock("rouse: Condition::release: the lock is not held");
        lock_.pass_on();
    }

    /// Whether somebody holds the lock.
    [[nodiscard]] bool locked() const noexcept { return lock_.locked(); }

    /// `co_await condition.wait()`: releases the lock, and returns with the lock when this task has been notified.
    /// UsageError if the lock is not held. select does not take it, see ConditionAwaiter.
    [[nodiscard]] detail::ConditionAwaiter wait() noexcept;

    /// `co_await condition.wait_for(predicate)`: waits until predicate() is true, which is looked at with the lock
    /// held, at first and whenever this task is notified. Returns what it returned.
    template <class Predicate>
    auto wait_for(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>>;

    /// Notifies so many of those who have waited longest, or all if there are fewer. They go on when they get the lock.
    /// UsageError if the lock is not held.
    void notify(std::size_t n = 1) {
        require_lock("rouse: Condition::notify: the lock is not held");
        for (; n > 0 && !waiting_.empty(); --n) notify_next();
    }

    /// Notifies all who wait. UsageError if the lock is not held.
    void notify_all() {
        require_lock("rouse: Condition::notify_all: the lock is not held");
        while (!waiting_.empty()) notify_next();
    }

private:
    friend detail::ConditionAwaiter;

    void require_lock(const char* message) const {
        if (!lock_.locked()) detail::misuse(message);
    }
    void notify_next() noexcept;

    Lock own_;
    Lock& lock_;
    detail::WaitList waiting_;  // ConditionAwaiters
    detail::WaitList notified_; // those who wait for the lock, or have it, and have not gone on
};

} // namespace ROUSE_ABI
} // namespace rouse

#include <rouse/sync/detail/condition_wait.hpp>
