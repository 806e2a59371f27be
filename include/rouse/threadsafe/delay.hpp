// Delay: a timer that can be restarted while it runs.
#pragma once

#include <chrono>
#include <coroutine>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A retriggerable timer: it elapses when it has not been triggered for a certain time. Use it for a light that goes
/// out a minute after the last movement, or a link that counts as dead if nothing arrives for a second.
///
/// A Delay is for the tasks of one loop. `trigger()`, `stop()` and `running()` may be called by any code on that loop's
/// thread, not from other threads or interrupts.
///
/// Any number of tasks may wait, also before the delay is triggered. Once it has elapsed, `wait()` returns at once
/// until the delay is triggered again or stopped. Waiters resume in the order in which they began to wait, even if the
/// delay is triggered again before they run. A cancelled wait changes nothing. If the delay is destroyed, its waiting
/// tasks stay suspended until cancelled; destroying it on another thread than that of their loop panics.
///
/// Nothing is allocated. Each waiting task costs one timer; a delay without waiters costs the loop nothing.
class Delay {
    class Awaiter;

public:
    /// Creates a delay that elapses `duration` after it is triggered. It is not running yet.
    template <class Rep, class Period>
    constexpr explicit Delay(std::chrono::duration<Rep, Period> duration) : duration_{detail::wait_of(duration)} {}
    Delay(const Delay&) = delete;
    Delay& operator=(const Delay&) = delete;
    ~Delay() {
        if (!waiting_.empty()) refuse_to_end_elsewhere();
        triggered_ = false;
        set_timers();
    }

    /// Starts the delay, or restarts it from now.
    void trigger() { trigger(duration_); }

    /// Like trigger(), but with another duration for this one time. If that is zero or negative, the delay elapses at
    /// once.
    template <class Rep, class Period>
    void trigger(std::chrono::duration<Rep, Period> duration) {
        owner_.check_thread(
            "rouse: Delay::trigger: called on another thread than that of the loop whose tasks use it; send a message "
            "to a task of that loop through a thread-safe object");
        deadline_ = detail::from_now(duration);
        triggered_ = true;
        set_timers();
    }

    /// Stops the delay, as if it had never been triggered. Waiting tasks stay suspended until it is triggered again.
    void stop() {
        owner_.check_thread(
            "rouse: Delay::stop: called on another thread than that of the loop whose tasks use it; send a message to "
            "a task of that loop through a thread-safe object");
        triggered_ = false;
        set_timers();
    }

    /// Whether the delay has been triggered, and has neither elapsed nor been stopped.
    [[nodiscard]] bool running() const {
        owner_.check_thread(
            "rouse: Delay::running: called on another thread than that of the loop whose tasks use it; send a message "
            "to a task of that loop through a thread-safe object");
        return triggered_ && Clock::now() < deadline_;
    }

    /// `co_await delay.wait()` suspends the task until the delay has elapsed. Returns at once if it has already.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    void set_timers();
    void refuse_to_end_elsewhere() noexcept;

    detail::WaitList waiting_; // of Awaiters, in the order of waiting
    Clock::duration duration_;
    TimePoint deadline_{};   // when it elapses; valid while triggered_
    bool triggered_ = false; // triggered and not stopped since; stays true when it elapses
    [[no_unique_address]] detail::LoopOwner owner_;
};

// Each waiter is itself a timer, which trigger() sets anew. So the delay is registered with no loop, and may outlive
// it.
class Delay::Awaiter : detail::Timer, detail::ListNode {
public:
    explicit Awaiter(Delay& delay) noexcept : delay_{delay} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.delay_} {} // only before it is awaited
    ~Awaiter() {
        unlink();
        if (before != nullptr) loop_->remove_timer(*this);
    }

    bool await_ready() const {
        delay_.owner_.check_thread(
            "rouse: Delay::wait: called on another thread than that of the loop whose tasks use it; use one delay for "
            "each loop");
        return elapsed() && detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (elapsed()) return detail::Scheduler::park_woken(*this, frame);
        loop_ = &detail::Scheduler::current();
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_delay, frame);
        delay_.waiting_.push_back(*this);
        set();
    }
    void await_resume() const {
        if (task != nullptr) detail::Scheduler::check_cancelled();
    }

private:
    friend Delay;

    [[nodiscard]] bool elapsed() const { return delay_.triggered_ && !delay_.running(); }

    // Whether the task still waits here: it has been neither woken nor cancelled.
    [[nodiscard]] bool waits() const noexcept { return task->waiting() && task->link.waiter == this; }

    void set() {
        loop_->remove_timer(*this);
        deadline = delay_.triggered_ ? delay_.deadline_ : no_deadline;
        if (delay_.triggered_) loop_->add_timer(*this);
    }

    Delay& delay_;
    detail::Scheduler* loop_ = nullptr; // the loop whose timers this is in
};

inline Delay::Awaiter Delay::wait() noexcept { return Awaiter{*this}; }

inline void Delay::refuse_to_end_elsewhere() noexcept {
    Awaiter& first = static_cast<Awaiter&>(waiting_.pop_front());
    first.loop_->require_thread_to_destroy(
        "rouse: ~Delay: tasks of a loop of another thread wait; destroy it after those tasks have ended, or on that "
        "thread");
    waiting_.push_back(first);
}

inline void Delay::set_timers() {
    detail::WaitList all;
    all.take_all(waiting_);
    while (!all.empty()) {
        Awaiter& waiter = static_cast<Awaiter&>(all.pop_front());
        if (!waiter.waits()) continue;
        waiter.set();
        waiting_.push_back(waiter);
    }
}

} // namespace ROUSE_ABI
} // namespace rouse
