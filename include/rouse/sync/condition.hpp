// Condition: a condition variable for tasks.
#pragma once

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/core/task.hpp>
#include <rouse/sync/lock.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A condition variable: tasks that hold a lock wait until another task notifies them that what the lock protects has
/// changed. The lock is part of the Condition, or is given to it.
///
///     auto guard = co_await condition.scoped();
///     while (!something) co_await condition.wait(); // or: co_await condition.wait(predicate);
///
/// Only for the tasks of one loop. Call wait(), notify() and notify_all() while holding the lock.
///
/// wait() releases the lock and holds it again when it ends, also when it ends by a cancellation or a timeout. A
/// cancelled task therefore first waits for the lock, and cancelling it again does not shorten that. Without exceptions
/// its frame is destroyed when it has the lock, so that a Guard in the frame can release it.
///
/// Tasks are notified in the order in which they began to wait. A notified task queues for the lock at once, after the
/// tasks that already wait for it. A notification is not lost: if the notified task is cancelled before it runs, the
/// next one is notified.
///
/// Release the lock with a Guard: if a task is cancelled in wait() and keeps the lock, the other tasks wait for ever. A
/// lock must outlive its Guards, so a Condition that contains its lock must outlive the tasks that wait in it. (Tasks
/// that are left when main() returns are cancelled after its variables have been destroyed.) A lock that is given must
/// outlive the Condition and the tasks that wait in it. Tasks that wait when the Condition is destroyed are not woken;
/// they stay suspended until cancelled.
///
/// Nothing is allocated, except the frame of wait(predicate), which is a coroutine.
class Condition {
    class Awaiter;

public:
    /// Owns the lock until the Guard is destroyed or released. Move-only.
    using Guard = Lock::Guard;

    /// A Condition that contains its lock.
    constexpr Condition() noexcept : lock_{own_} {}

    /// A Condition for `lock`, which may be in other use too, for example by other Conditions.
    constexpr explicit Condition(Lock& lock) noexcept : lock_{lock} {}

    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;
    ~Condition() {
        if (waiting_.empty() && notified_.empty()) return;
        lock_.owner_.check_in_destructor(
            "rouse: ~Condition: tasks of a loop of another thread wait; destroy it on that thread");
    }

    /// `co_await condition.acquire()`: acquires the lock, see Lock::acquire.
    [[nodiscard]] auto acquire() noexcept { return lock_.acquire(); }

    /// `auto guard = co_await condition.scoped()`: acquires the lock, see Lock::scoped.
    [[nodiscard]] auto scoped() noexcept { return lock_.scoped(); }

    /// Releases the lock, see Lock::release. UsageError if the lock is not held.
    void release() {
        lock_.owner_.check_thread(
            "rouse: Condition::release: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        require_lock("rouse: Condition::release: the lock is not held");
        lock_.pass_on();
    }

    /// Whether a task holds the lock, or has been handed the lock and has not run yet.
    [[nodiscard]] bool locked() const { return lock_.locked(); }

    /// `co_await condition.wait()`: releases the lock, waits until this task is notified, and returns when it holds the
    /// lock again. UsageError if the lock is not held. Not allowed as an argument of select(); there, wait in a
    /// separate Task.
    [[nodiscard]] Awaiter wait() noexcept;

    /// `co_await condition.wait(predicate)`: waits until predicate() is true. It is evaluated with the lock held, first
    /// at once and then each time this task is notified. Returns what predicate() returned.
    ///
    /// With GCC before 14, a lambda whose captures have destructors does not compile here, because one that is written
    /// inside a co_await expression is destroyed twice: give it a name first.
    template <class Predicate>
    auto wait(Predicate&& predicate) -> Task<std::decay_t<std::invoke_result_t<std::decay_t<Predicate>&>>> {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14
        static_assert(
            std::is_lvalue_reference_v<Predicate> || std::is_trivially_destructible_v<Predicate>,
            "rouse: Condition::wait: this compiler destroys a lambda that is written inside a co_await expression "
            "twice; capture by reference, or give the lambda a name first");
#endif
        return wait_until_true<std::decay_t<Predicate>>(std::forward<Predicate>(predicate));
    }

    /// The same as wait(predicate), under asyncio's name. It has no time limit; for one, see rouse::try_wait_for.
    template <class Predicate>
    auto wait_for(Predicate&& predicate) -> Task<std::decay_t<std::invoke_result_t<std::decay_t<Predicate>&>>> {
        return wait(std::forward<Predicate>(predicate));
    }

    /// Notifies the `n` tasks that have waited longest, or all if there are fewer. They resume when they get the lock.
    /// UsageError if the lock is not held.
    void notify(std::size_t n = 1) {
        lock_.owner_.check_thread(
            "rouse: Condition::notify: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        require_lock("rouse: Condition::notify: the lock is not held");
        for (; n > 0 && !waiting_.empty(); --n) notify_next();
    }

    /// Notifies all waiting tasks. UsageError if the lock is not held.
    void notify_all() {
        lock_.owner_.check_thread(
            "rouse: Condition::notify_all: called on another thread than that of the loop whose tasks use it; send a "
            "message to a task of that loop through a thread-safe object");
        require_lock("rouse: Condition::notify_all: the lock is not held");
        while (!waiting_.empty()) notify_next();
    }

private:
    void require_lock(const char* message) const {
        if (!lock_.locked()) detail::misuse(message);
    }
    void notify_next() noexcept;
    template <class Predicate>
    auto wait_until_true(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>>;

    Lock own_; // unused if a lock was given
    Lock& lock_;
    detail::WaitList waiting_;  // Awaiters that have not been notified
    detail::WaitList notified_; // Awaiters that wait for the lock, or have it and have not resumed yet
};

// A task waits first for a notification and then, however that wait ends, for the lock:
//
//   waiting --- notified: queues for the lock ----------------------> notified ---.
//      |                                                                          |---> lock granted: resumed
//      '------- cancelled or timed out: queues for the lock, too ---> given_up ---'
//
// The awaiter is a RetractableWaiter because retract() can refuse: a task that waits for the lock is resumed only when
// it has the lock.
//
// The awaiter is in the condition's list `waiting_` or `notified_` as long as the condition exists; lock_waiter_ is in
// the lock's GrantQueue. An awaiter that is destroyed after the lock has been granted leaves the lock held, for a Guard
// to release.
class Condition::Awaiter : detail::RetractableWaiter, detail::ListNode {
public:
    // Tells select to refuse this awaiter: select destroys the waits that lose, but this wait has to get the lock
    // first, and a destructor cannot wait. A separate Task can.
    static constexpr bool needs_own_task = true;

    explicit Awaiter(Condition& condition) noexcept : condition_{condition} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.condition_} {} // before it is awaited
    ~Awaiter() {
        give_back();
        unlink();
    }

    bool await_ready() const {
        condition_.lock_.owner_.check_thread(
            "rouse: Condition::wait: called on another thread than that of the loop whose tasks use it; use one "
            "condition for each loop");
        condition_.require_lock("rouse: Condition::wait: the lock is not held");
        return false;
    }
    void await_suspend(std::coroutine_handle<> frame) {
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_condition, frame);
        lock_waiter_.task = task;
        Lock& lock = condition_.lock_;
        if (&lock != &condition_.own_) shared_lock_ = &lock;
        condition_.waiting_.push_back(*this);
        lock.pass_on();
    }
    void await_resume() {
        if (task != nullptr) detail::Scheduler::check_cancelled([this] { give_back(); });
        lock_waiter_.end_grant();
    }

    // For try_wait_for: whether the wait ended without a notification. The task holds the lock in either case.
    [[nodiscard]] bool interrupted() const noexcept { return state_ == State::given_up; }

private:
    friend Condition;
    enum class State : unsigned char { waiting, notified, given_up };

    bool retract() noexcept override {
        if (state_ != State::waiting)
            return !lock_waiter_.linked(); // false while it waits for the lock; true if the lock was destroyed
        state_ = State::given_up;
        Lock* const lock = linked() ? &condition_.lock_ : shared_lock_;
        unlink();
        if (lock == nullptr || lock->grant_if_free(lock_waiter_)) return true;
        lock->grants_.wait(lock_waiter_);
        return false;
    }

    // Passes the notification, which this task has not used, to the next task. This task keeps the lock.
    void give_back() noexcept {
        if (state_ != State::notified || !lock_waiter_.granted()) return;
        lock_waiter_.end_grant();
        if (!linked()) return; // the condition was destroyed
        unlink();
        if (!condition_.waiting_.empty()) condition_.notify_next();
    }

    Condition& condition_;
    Lock* shared_lock_ = nullptr;     // the lock, if it is not part of the condition
    detail::GrantWaiter lock_waiter_; // our place in the lock's queue
    State state_ = State::waiting;
};

inline Condition::Awaiter Condition::wait() noexcept { return Awaiter{*this}; }

template <class Predicate>
auto Condition::wait_until_true(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>> {
    for (;;) {
        auto result = predicate();
        if (result) co_return std::move(result);
        co_await wait();
    }
}

inline void Condition::notify_next() noexcept {
    auto& next = static_cast<Awaiter&>(waiting_.pop_front());
    next.state_ = Awaiter::State::notified;
    notified_.push_back(next);
    lock_.grants_.wait(next.lock_waiter_); // queued, not granted: the notifying task holds the lock
}

} // namespace ROUSE_ABI
} // namespace rouse
