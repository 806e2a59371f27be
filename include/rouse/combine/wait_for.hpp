// wait_for, try_wait_for: waiting for something, but not for ever.
#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include <rouse/combine/as_handle.hpp>
#include <rouse/core/sleep.hpp>

namespace rouse::inline ROUSE_ABI {

namespace core {

/// The outcome of a task, which is cancelled at a deadline. The timer cancels the awaited task and not the waiting one,
/// so when the time is up the wait goes on until the task has cleaned up, or has gone on all the same.
template <class T>
class DeadlineAwaiter : TaskHandle<T>::OutcomeAwaiter {
    using Base = typename TaskHandle<T>::OutcomeAwaiter;

public:
    DeadlineAwaiter(TaskHandle<T> task, TimePoint deadline) noexcept : Base{task, true}, loop_{Loop::current()} {
        timer_.task = task.record();
        timer_.cancels = 1;
        timer_.deadline = deadline;
    }
    DeadlineAwaiter(const DeadlineAwaiter&) = delete;
    DeadlineAwaiter& operator=(const DeadlineAwaiter&) = delete;
    ~DeadlineAwaiter() { loop_.timers().remove(timer_); }

    using Base::await_ready;

    void await_suspend(std::coroutine_handle<> frame) {
        Base::await_suspend(frame);
        if (timer_.deadline == at_once) {
            late_ = loop_.cancel(*timer_.task);
        } else {
            loop_.timers().add(timer_);
            late_ = true; // unless the timer is still there on resumption
        }
    }

    Outcome<T> await_resume() {
        if (timer_.before != nullptr) late_ = false;
        Outcome<T> outcome = Base::await_resume();
        return late_ && outcome.cancelled() ? Outcome<T>::of_timed_out() : std::move(outcome);
    }

private:
    Loop& loop_;
    Timer timer_;
    bool late_ = false;
};

} // namespace core

/// `co_await try_wait_for(a, duration)`: waits for a Task, a TaskHandle or an object's wait, and returns its Outcome.
/// When the time is up, cancels it, waits until it has ended, and returns an Outcome that has timed_out(); but if it
/// has returned or thrown all the same, that. With zero or less, only what is finished already is not cancelled.
///
/// If the waiting task is cancelled, so is what it waits for. What can be lost by cancelling it is what `a` says: an
/// item of a queue is not, for example.
template <class A, class Rep, class Period>
auto try_wait_for(A awaitable, std::chrono::duration<Rep, Period> at_most)
    -> Task<Outcome<typename core::ResultOf<A>::type>> {
    using T = typename core::ResultOf<A>::type;
    TaskHandle<T> task = core::as_handle(std::move(awaitable));
    co_return co_await core::DeadlineAwaiter<T>{task, core::from_now(at_most)};
}

#if ROUSE_EXCEPTIONS
/// `co_await wait_for(a, duration)`: the same, but returns what `a` returns, throws what it throws, and throws
/// TimeoutError when the time is up.
template <class A, class Rep, class Period>
auto wait_for(A awaitable, std::chrono::duration<Rep, Period> at_most) -> Task<typename core::ResultOf<A>::type> {
    auto outcome = co_await try_wait_for(std::move(awaitable), at_most);
    co_return std::move(outcome).value();
}
#else
template <class A, class Rep, class Period>
auto wait_for(A, std::chrono::duration<Rep, Period>) {
    static_assert(sizeof(A) == 0, "rouse: wait_for could only throw TimeoutError; without exceptions use try_wait_for");
}
#endif

} // namespace rouse::inline ROUSE_ABI
