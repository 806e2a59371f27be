// Delay: a timer that can be started again while it runs.
#pragma once

#include <chrono>
#include <coroutine>

#include <rouse/core/sleep.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A retriggerable timer: it elapses when it has not been triggered for a certain time. For a light that goes out a
/// minute after the last movement, or a link that is dead if nothing has come for a second. For the tasks of one loop;
/// trigger() may be called by any code that runs on the loop's thread.
///
/// Any number of tasks can wait for it, also before it is triggered. Once it has elapsed wait() returns at once, until
/// it is triggered again or stopped. Waiters go on in the order in which they began to wait, even if it is triggered
/// again before they run. A cancelled wait changes nothing. A delay that is destroyed leaves those who wait for it
/// waiting, until they are cancelled. Nothing is allocated, and a delay for which nobody waits costs the loop nothing.
class Delay {
    class Awaiter;

public:
    /// A delay of so long, which does not run yet.
    template <class Rep, class Period>
    constexpr explicit Delay(std::chrono::duration<Rep, Period> duration)
        : duration_{detail::saturated<Clock::duration>(duration)} {}
    Delay(const Delay&) = delete;
    Delay& operator=(const Delay&) = delete;
    ~Delay() { stop(); }

    /// Starts it, or starts it again from now.
    void trigger() { trigger(duration_); }

    /// The same, with another duration for this once. Zero or less: it elapses at once.
    template <class Rep, class Period>
    void trigger(std::chrono::duration<Rep, Period> duration) {
        deadline_ = detail::from_now(duration);
        triggered_ = true;
        set_timers();
    }

    /// Stops it: as if it had never been triggered. Those who wait go on waiting.
    void stop() {
        triggered_ = false;
        set_timers();
    }

    /// Whether it has been triggered, and has not elapsed or been stopped.
    [[nodiscard]] bool running() const { return triggered_ && Clock::now() < deadline_; }

    /// `co_await delay.wait()`: returns once it has elapsed; at once if it has.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    void set_timers();

    detail::WaitList waiting_; // Awaiters
    Clock::duration duration_;
    TimePoint deadline_{};   // if triggered_
    bool triggered_ = false; // and not stopped; elapsed when the time is deadline_
};

// Each waiter has a timer of its own, which is set anew by trigger(). So the delay itself is in no loop, and may
// outlive it.
class Delay::Awaiter : detail::Timer, detail::ListNode {
public:
    explicit Awaiter(Delay& delay) noexcept : delay_{delay} {}
    Awaiter(Awaiter&& other) noexcept : Awaiter{other.delay_} {} // before it is awaited
    ~Awaiter() {
        unlink();
        if (before != nullptr) loop_->remove_timer(*this);
    }

    bool await_ready() const { return delay_.triggered_ && !delay_.running(); }
    void await_suspend(std::coroutine_handle<> frame) {
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

    // False if it has been woken, or taken out.
    [[nodiscard]] bool waits() const noexcept { return task->waiting() && task->link.waiter == this; }

    void set() {
        loop_->remove_timer(*this);
        deadline = delay_.triggered_ ? delay_.deadline_ : forever;
        if (delay_.triggered_) loop_->add_timer(*this);
    }

    Delay& delay_;
    detail::Scheduler* loop_ = nullptr; // whose timers it is in
};

inline Delay::Awaiter Delay::wait() noexcept { return Awaiter{*this}; }

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
