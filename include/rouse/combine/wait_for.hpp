// wait_for, try_wait_for: waits with a time limit.
#pragma once

#include <chrono>
#include <coroutine>
#include <type_traits>
#include <utility>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/core/detail/current_error.hpp>
#include <rouse/core/detail/deadline.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Waits for the Outcome of a task and cancels that task at a deadline. The timer cancels the awaited task, not the
/// waiting one. So when the time is up, the wait continues until the awaited task has cleaned up, or has finished
/// despite the cancellation.
template <class T, Handle handle>
class TaskDeadline : OutcomeAwaiter<T, handle> {
    using Base = OutcomeAwaiter<T, handle>;

public:
    TaskDeadline(TaskHandle<T> task, TimePoint deadline) : Base{task, true}, scheduler_{Scheduler::current()} {
        timer_.task = record_of(task);
        timer_.action = Timer::cancel;
        timer_.deadline = deadline;
    }
    TaskDeadline(const TaskDeadline&) = delete;
    TaskDeadline& operator=(const TaskDeadline&) = delete;
    ~TaskDeadline() { scheduler_.remove_timer(timer_); }

    using Base::await_ready;

    void await_suspend(std::coroutine_handle<> frame) {
        Base::await_suspend(frame);
        if (timer_.deadline == at_once) {
            timer_.late = scheduler_.cancel(*timer_.task);
        } else {
            scheduler_.add_timer(timer_);
        }
    }

    Outcome<T> await_resume() {
        Outcome<T> outcome = Base::await_resume();
        return timer_.late && outcome.cancelled() ? Outcome<T>::of_timed_out() : std::move(outcome);
    }

private:
    Scheduler& scheduler_;
    Timer timer_;
};

/// Awaits an object's wait and gives up at a deadline. The wait takes place in the waiting task itself. So an item, for
/// example, is consumed when that task resumes or not at all, even if the task is cancelled meanwhile.
template <class A>
class WaitDeadline {
    using T = Awaited<A>;

public:
    WaitDeadline(A& awaitable, TimePoint deadline) : awaitable_{awaitable}, scheduler_{Scheduler::current()} {
        timer_.action = Timer::interrupt;
        timer_.deadline = deadline;
    }
    WaitDeadline(const WaitDeadline&) = delete;
    WaitDeadline& operator=(const WaitDeadline&) = delete;
    ~WaitDeadline() { scheduler_.remove_timer(timer_); }

    bool await_ready() { return awaitable_.await_ready(); }

    bool await_suspend(std::coroutine_handle<> frame) {
        timer_.task = &Scheduler::running_task();
        if constexpr (std::is_void_v<decltype(awaitable_.await_suspend(frame))>) {
            awaitable_.await_suspend(frame);
        } else if (!awaitable_.await_suspend(frame)) {
            return false;
        }
        if (timer_.deadline == at_once) {
            timer_.late = scheduler_.interrupt(*timer_.task);
        } else {
            scheduler_.add_timer(timer_);
        }
        return true;
    }

    Outcome<T> await_resume() {
        scheduler_.remove_timer(timer_);
        if (timer_.late || was_interrupted(awaitable_)) {
            Scheduler::check_cancelled();
            return Outcome<T>::of_timed_out();
        }
#if ROUSE_EXCEPTIONS
        try {
            return value();
        } catch (const CancelledError&) {
            throw;
        } catch (...) {
            return Outcome<T>::of_error(current_error());
        }
#else
        return value();
#endif
    }

private:
    Outcome<T> value() {
        if constexpr (std::is_void_v<T>) {
            awaitable_.await_resume();
            return Outcome<T>::of_value();
        } else {
            return Outcome<T>::of_value(awaitable_.await_resume());
        }
    }

    A& awaitable_;
    Scheduler& scheduler_;
    Timer timer_;
};

/// The coroutines of try_wait_for and wait_for for a TaskHandle.
template <Handle handle, class T, class Rep, class Period>
Task<Outcome<T>> outcome_within(TaskHandle<T> task, std::chrono::duration<Rep, Period> at_most) {
    check_awaitable(task);
    co_return co_await TaskDeadline<T, handle>{task, from_now(at_most)};
}
#if ROUSE_EXCEPTIONS
template <Handle handle, class T, class Rep, class Period>
Task<T> value_within(TaskHandle<T> task, std::chrono::duration<Rep, Period> at_most) {
    auto outcome = co_await outcome_within<handle>(std::move(task), at_most);
    co_return std::move(outcome).value();
}
#endif

} // namespace detail

/// `co_await try_wait_for(a, duration)`: waits for a Task, a TaskHandle or an object's wait, but not longer than
/// `duration`, and returns its Outcome.
///
/// When the time is up, an object's wait is given up, and the Outcome is timed_out(). Nothing is lost: an item, for
/// example, stays in its queue. A task is cancelled and then awaited until it has ended. If it returns or throws
/// despite the cancellation, that is the Outcome; else the Outcome is timed_out(). A zero or negative duration succeeds
/// only if the result is already available. Cancelling the waiting task also cancels what it waits for.
///
/// If `a` refers to a temporary, as a queue's put refers to its value, await the result in the same expression.
///
/// Costs one coroutine frame.
template <class A, class Rep, class Period>
auto try_wait_for(A awaitable, std::chrono::duration<Rep, Period> at_most)
    -> Task<Outcome<typename detail::ResultOf<A>::type>> {
    if constexpr (detail::is_task<A> || detail::AwaitedByOther<A>) {
        using T = typename detail::ResultOf<A>::type;
        TaskHandle<T> task = detail::as_handle(std::move(awaitable));
        co_return co_await detail::TaskDeadline<T, detail::Handle::given_up>{task, detail::from_now(at_most)};
    } else {
        co_return co_await detail::WaitDeadline<A>{awaitable, detail::from_now(at_most)};
    }
}
/// As above, for a handle that is kept: the Outcome has a copy of the value.
template <class T, class Rep, class Period>
auto try_wait_for(const TaskHandle<T>& task, std::chrono::duration<Rep, Period> at_most) -> Task<Outcome<T>> {
    return detail::outcome_within<detail::Handle::kept>(TaskHandle<T>{task}, at_most);
}
/// As above, for a handle that is given up: the value is moved.
template <class T, class Rep, class Period>
auto try_wait_for(TaskHandle<T>&& task, std::chrono::duration<Rep, Period> at_most) -> Task<Outcome<T>> {
    return detail::outcome_within<detail::Handle::given_up>(std::move(task), at_most);
}

#if ROUSE_EXCEPTIONS
/// `co_await wait_for(a, duration)`: like try_wait_for, but returns what `a` returns and throws what `a` throws. Throws
/// TimeoutError when the time is up. Costs one more coroutine frame than try_wait_for.
template <class A, class Rep, class Period>
auto wait_for(A awaitable, std::chrono::duration<Rep, Period> at_most) -> Task<typename detail::ResultOf<A>::type> {
    auto outcome = co_await try_wait_for(std::move(awaitable), at_most);
    co_return std::move(outcome).value();
}
/// As above, for a handle that is kept: returns a copy of the value.
template <class T, class Rep, class Period>
Task<T> wait_for(const TaskHandle<T>& task, std::chrono::duration<Rep, Period> at_most) {
    return detail::value_within<detail::Handle::kept>(TaskHandle<T>{task}, at_most);
}
/// As above, for a handle that is given up: the value is moved.
template <class T, class Rep, class Period>
Task<T> wait_for(TaskHandle<T>&& task, std::chrono::duration<Rep, Period> at_most) {
    return detail::value_within<detail::Handle::given_up>(std::move(task), at_most);
}
#else
template <class A, class Rep, class Period>
auto wait_for(A, std::chrono::duration<Rep, Period>) {
    static_assert(sizeof(A) == 0, "rouse: wait_for could only throw TimeoutError; without exceptions use try_wait_for");
}
#endif

} // namespace ROUSE_ABI
} // namespace rouse
