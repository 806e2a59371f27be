// How a task waits for a Condition, and for its lock afterwards, whatever happens.
//
//   waiting ------ notified: goes on to the lock's list ------> notified ---.
//      |                                                                    |---> has the lock: is resumed
//      '---- cancelled, or its time is up: does so too ------> given up ----'
//
// It is parked as a RetractableWaiter, which may say that it cannot be taken out at once: one that waits for the lock
// is resumed when it has the lock, and not before.
#pragma once

#include <coroutine>
#include <utility>

#include <rouse/core/detail/waiter.hpp>
#include <rouse/sync/condition.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// `co_await condition.wait()`. In the condition's list `waiting_` or `notified_` as long as the condition exists; in
/// the lock's list with its Turn. Destroyed with the lock granted, it leaves the lock held, for a Guard to release.
class ConditionAwaiter : RetractableWaiter, ListNode {
public:
    // For select: of several waits all but one are taken out and destroyed, but this one has to have the lock first,
    // and a destructor cannot wait. In a Task of its own it can.
    static constexpr bool needs_own_task = true;

    explicit ConditionAwaiter(Condition& condition) noexcept : condition_{condition} {}
    ConditionAwaiter(ConditionAwaiter&& other) noexcept : ConditionAwaiter{other.condition_} {} // before it is awaited
    ~ConditionAwaiter() {
        give_back();
        unlink();
    }

    bool await_ready() const {
        condition_.require_lock("rouse: Condition::wait: the lock is not held");
        return false;
    }
    void await_suspend(std::coroutine_handle<> frame) {
        Scheduler::park(*this, TaskState::waiting_in_condition, frame);
        turn_.task = task;
        Lock& lock = condition_.lock_;
        if (&lock != &condition_.own_) shared_lock_ = &lock;
        condition_.waiting_.push_back(*this);
        lock.pass_on();
    }
    void await_resume() {
        if (task != nullptr) Scheduler::check_cancelled([this] { give_back(); });
        turn_.end();
    }

    /// For wait_for: whether the wait was given up because the time was up. The task has the lock all the same.
    [[nodiscard]] bool interrupted() const noexcept { return state_ == State::given_up; }

private:
    friend Condition;
    enum class State : unsigned char { waiting, notified, given_up };

    bool retract() noexcept override {
        if (state_ != State::waiting) return !turn_.linked(); // waits for the lock, if that still exists
        state_ = State::given_up;
        Lock* const lock = linked() ? &condition_.lock_ : shared_lock_;
        unlink();
        if (lock == nullptr || lock->take(turn_)) return true;
        lock->turns_.wait(turn_);
        return false;
    }

    // The notification that this task was given and has not used goes to the next. The lock stays with the task.
    void give_back() noexcept {
        if (state_ != State::notified || !turn_.granted()) return;
        turn_.end();
        if (!linked()) return; // the condition is gone
        unlink();
        if (!condition_.waiting_.empty()) condition_.notify_next();
    }

    Condition& condition_;
    Lock* shared_lock_ = nullptr; // the lock, if it does not go with the condition
    GrantWaiter turn_;            // stands for us at the lock
    State state_ = State::waiting;
};

} // namespace detail

inline detail::ConditionAwaiter Condition::wait() noexcept { return detail::ConditionAwaiter{*this}; }

template <class Predicate>
auto Condition::wait_for(Predicate predicate) -> Task<std::decay_t<std::invoke_result_t<Predicate&>>> {
    for (;;) {
        auto result = predicate();
        if (result) co_return std::move(result);
        co_await wait();
    }
}

inline void Condition::notify_next() noexcept {
    auto& next = static_cast<detail::ConditionAwaiter&>(waiting_.pop_front());
    next.state_ = detail::ConditionAwaiter::State::notified;
    notified_.push_back(next);
    lock_.turns_.wait(next.turn_); // the lock is held: it gets it in its turn
}

} // namespace ROUSE_ABI
} // namespace rouse
