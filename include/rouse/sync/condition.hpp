// Condition: tasks that wait, with a lock, until something about what the lock protects has changed.
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

/// A lock, its own or one that it is given, and the tasks that wait under it to be notified. For the tasks of one loop.
///
///     auto guard = co_await condition.scoped();
///     while (!something) co_await condition.wait(); // or: co_await condition.wait(predicate);
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
/// waiting, until they are cancelled. Nothing is allocated, except by wait(predicate), which is a coroutine.
class Condition {
    class Awaiter;

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
    /// UsageError if the lock is not held. select does not take it, see Condition::Awaiter.
    [[nodiscard]] Awaiter wait() noexcept;

    /// `co_await condition.wait(predicate)`: waits until predicate() is true. It is evaluated with the lock held, first
    /// at once and then each time this task is notified. Returns what predicate() returned.
    template <class Predicate>
    auto wait(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>>;

    /// The same as wait(predicate), under asyncio's name. It has no time limit; for one, see rouse::try_wait_for.
    template <class Predicate>
    auto wait_for(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>> {
        return wait(std::move(predicate));
    }

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
    void require_lock(const char* message) const {
        if (!lock_.locked()) detail::misuse(message);
    }
    void notify_next() noexcept;

    Lock own_;
    Lock& lock_;
    detail::WaitList waiting_;  // Awaiters
    detail::WaitList notified_; // those who wait for the lock, or have it, and have not gone on
};

// How a task waits for a Condition, and for its lock afterwards, whatever happens.
//
//   waiting ------ notified: goes on to the lock's list ------> notified ---.
//      |                                                                    |---> has the lock: is resumed
//      '---- cancelled, or its time is up: does so too ------> given up ----'
//
// It is parked as a RetractableWaiter, which may say that it cannot be taken out at once: one that waits for the lock
// is resumed when it has the lock, and not before.
//
// `co_await condition.wait()`. In the condition's list `waiting_` or `notified_` as long as the condition exists; in
// the lock's list with its Turn. Destroyed with the lock granted, it leaves the lock held, for a Guard to release.
class Condition::Awaiter : detail::RetractableWaiter, detail::ListNode {
public:
    // For select: of several waits all but one are taken out and destroyed, but this one has to have the lock first,
    // and a destructor cannot wait. In a Task of its own it can.
    static constexpr bool needs_own_task = true;

    explicit Awaiter(Condition& condition) noexcept : condition_{condition} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.condition_} {} // before it is awaited
    ~Awaiter() {
        give_back();
        unlink();
    }

    bool await_ready() const {
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

    // For wait_for: whether the wait was given up because the time was up. The task has the lock all the same.
    [[nodiscard]] bool interrupted() const noexcept { return state_ == State::given_up; }

private:
    friend Condition;
    enum class State : unsigned char { waiting, notified, given_up };

    bool retract() noexcept override {
        if (state_ != State::waiting) return !lock_waiter_.linked(); // waits for the lock, if that still exists
        state_ = State::given_up;
        Lock* const lock = linked() ? &condition_.lock_ : shared_lock_;
        unlink();
        if (lock == nullptr || lock->grant_if_free(lock_waiter_)) return true;
        lock->grants_.wait(lock_waiter_);
        return false;
    }

    // The notification that this task was given and has not used goes to the next. The lock stays with the task.
    void give_back() noexcept {
        if (state_ != State::notified || !lock_waiter_.granted()) return;
        lock_waiter_.end_grant();
        if (!linked()) return; // the condition is gone
        unlink();
        if (!condition_.waiting_.empty()) condition_.notify_next();
    }

    Condition& condition_;
    Lock* shared_lock_ = nullptr;     // the lock, if it does not go with the condition
    detail::GrantWaiter lock_waiter_; // stands for us at the lock
    State state_ = State::waiting;
};

inline Condition::Awaiter Condition::wait() noexcept { return Awaiter{*this}; }

template <class Predicate>
auto Condition::wait(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>> {
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
    lock_.grants_.wait(next.lock_waiter_); // the lock is held: it gets it in its turn
}

} // namespace ROUSE_ABI
} // namespace rouse
