// CancelScope: cancels a part of what a task does, without cancelling the task.
#pragma once

#include <chrono>
#include <coroutine>
#include <type_traits>
#include <utility>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/detail/timer.hpp>
#include <rouse/core/outcome.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// Cancels a part of what a task does, without cancelling the task:
///
///     CancelScope scope;
///     stop_button.on_click([&] { scope.cancel(); });
///     auto outcome = co_await scope.run(download(url), 30s);
///     if (outcome.cancelled()) ...     // by scope.cancel()
///     if (outcome.timed_out()) ...     // after 30 s
///
/// For the tasks of one loop. run() runs a Task as a task of its own and returns its Outcome. cancel() cancels that
/// task; any task or callback of the loop may call it, and so may the task itself, which is then cancelled at its next
/// co_await that waits.
///
/// A scope absorbs only its own cancellation. If the task that awaits run() is cancelled, the task inside is cancelled
/// first; when that has ended, run() throws CancelledError, even if the scope was cancelled too. If the task inside
/// ends as cancelled for another reason, because a handle of it was cancelled or because it awaited a task that was
/// cancelled, run() throws CancelledError, as `co_await handle` does. (Without exceptions, the task that awaits run()
/// is cancelled in both cases.)
///
/// run() returns only when the task inside has ended, so that task may refer to variables around run(). If it returns
/// or throws despite the cancellation, that is the Outcome.
///
/// A scope may run one task after another, each of them with a time limit of its own. Once cancel() was called, it
/// stays cancelled: a task that is run in it later is cancelled before it starts. The scope must exist when a run
/// begins. If it is destroyed during the run, the run continues, and can no longer be cancelled through it.
///
/// A run costs a coroutine frame in addition to that of its task.
class CancelScope {
public:
    CancelScope() noexcept = default;
    CancelScope(const CancelScope&) = delete;
    CancelScope& operator=(const CancelScope&) = delete;
    ~CancelScope() {
        if (run_ == nullptr) return;
        owner_.check_in_destructor(
            "rouse: ~CancelScope: a task of a loop of another thread runs in it; destroy it on that thread");
        run_->scope_ = nullptr;
    }

    /// `co_await scope.run(f())`: starts the Task, waits until it has ended, and returns its Outcome, which is
    /// cancelled() if cancel() has ended it. UsageError if the Task is empty, or if a task is running in the scope.
    template <class T>
    Task<Outcome<T>> run(Task<T> task) {
        return run_within(std::move(task), (std::chrono::nanoseconds::max)());
    }

    /// `co_await scope.run(f(), duration)`: as above, and cancels the task `duration` after the co_await; then the
    /// Outcome is timed_out(). If the duration is zero or negative, the task is cancelled before it starts. cancel()
    /// ends the time limit, so that it does not cut cleanup short.
    template <class T, class Rep, class Period>
    Task<Outcome<T>> run(Task<T> task, std::chrono::duration<Rep, Period> at_most) {
        return run_within(std::move(task), detail::wait_of(at_most));
    }

    /// Anything else is a compile error.
    template <class A, class... Duration>
        requires(!detail::is_a_task<std::remove_cvref_t<A>>)
    void run(A&&, Duration&&...) {
        static_assert(!std::is_same_v<A, A>,
                      "rouse: CancelScope::run: it takes a Task, which it starts: await the handle or the object in a "
                      "coroutine, and run that");
    }

    /// Cancels the task that runs in the scope, and each that is run in it later. Calling it again cancels the task
    /// once more, like TaskHandle::cancel. UsageError on another thread than that of the tasks that use the scope.
    void cancel() {
        owner_.check_thread(
            "rouse: CancelScope::cancel: called on another thread than that of the loop whose tasks use it; set a "
            "ThreadSafeFlag, and let a task of that loop cancel the scope");
        cancelled_ = true;
        if (run_ != nullptr) run_->cancel();
    }

    /// Whether cancel() has been called. UsageError on another thread, as above.
    [[nodiscard]] bool cancelled() const {
        owner_.check_thread(
            "rouse: CancelScope::cancelled: called on another thread than that of the loop whose tasks use it; set a "
            "ThreadSafeFlag, and let a task of that loop tell");
        return cancelled_;
    }

private:
    class Run;
    template <class T>
    Task<Outcome<T>> run_within(Task<T> task, std::chrono::nanoseconds at_most);

    // The awaiter of run(), which lives in the frame of run(): waits for the task to end. While the scope exists, each
    // of the two refers to the other.
    class Run : detail::JoinWaiter {
    public:
        Run(CancelScope& scope, detail::TaskReference started, TimePoint deadline)
            : scheduler_{detail::Scheduler::current()}, scope_{&scope}, task_{std::move(started)} {
            wants_outcome = true;
            timer_.task = record_of(task_);
            timer_.action = detail::Timer::cancel;
            timer_.deadline = deadline;
            scope.run_ = this;
        }
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;
        ~Run() {
            end();
            leave(*this);
        }

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> frame) {
            on_done = on_task_done;
            detail::Scheduler::park(*this, detail::TaskState::waiting_for_task, frame);
            enter(*this, *timer_.task);
            if (scope_->cancelled_) {
                cancel();
            } else if (timer_.deadline == at_once) {
                timer_.late = scheduler_.cancel(*timer_.task);
            } else if (timer_.deadline != no_deadline) {
                scheduler_.add_timer(timer_);
            }
        }
        detail::TaskRecord& await_resume() {
            detail::Scheduler::check_cancelled();
            detail::TaskRecord& ended = *record_of(task_);
#if ROUSE_EXCEPTIONS
            if (ended.ending == detail::Ending::cancelled && !absorbs()) {
                detail::Scheduler::note_cancellation();
                throw CancelledError{};
            }
#endif
            return ended;
        }

        /// Whether the time limit has cancelled the task.
        [[nodiscard]] bool late() const noexcept { return timer_.late != 0; }

    private:
        friend CancelScope;

        void cancel() noexcept {
            scheduler_.remove_timer(timer_);
            if (scheduler_.cancel(*timer_.task)) cancelled_by_scope_ = true;
        }
        // Whether the scope or its time limit has cancelled the task.
        [[nodiscard]] bool absorbs() const noexcept { return cancelled_by_scope_ || late(); }
        // From now on the scope and its timer leave the task alone.
        void end() noexcept {
            scheduler_.remove_timer(timer_);
            if (scope_ != nullptr) std::exchange(scope_, nullptr)->run_ = nullptr;
        }
        static void on_task_done(detail::JoinWaiter& waiter, detail::TaskRecord& ended) noexcept {
            Run& run = static_cast<Run&>(waiter);
            run.end();
            // Without exceptions, awaiting a cancelled task cancels the awaiting task.
            run.wants_outcome = run.absorbs();
            detail::Scheduler::resume_awaiter(run, ended);
        }

        detail::Scheduler& scheduler_;
        CancelScope* scope_; // null: it was destroyed, or the task has ended
        detail::TaskReference task_;
        detail::Timer timer_; // its `task` is the one that runs
        bool cancelled_by_scope_ = false;
    };

    Run* run_ = nullptr; // the run whose task has not ended
    bool cancelled_ = false;
    [[no_unique_address]] detail::LoopOwner owner_;
};

template <class T>
Task<Outcome<T>> CancelScope::run_within(Task<T> task, std::chrono::nanoseconds at_most) {
    owner_.check_thread(
        "rouse: CancelScope::run: called on another thread than that of the loop whose tasks use it; use another "
        "scope there");
    if (run_ != nullptr) {
        detail::misuse(
            "rouse: CancelScope::run: a task is running in the scope already; use a CancelScope for each, or a "
            "TaskGroup");
    }
    Run run{*this, detail::as_handle(std::move(task)), detail::from_now(at_most)};
    detail::TaskRecord& ended = co_await run;
    if (run.late() && ended.ending == detail::Ending::cancelled) co_return Outcome<T>::of_timed_out();
    co_return detail::outcome_of<T, detail::Handle::given_up>(ended);
}

} // namespace ROUSE_ABI
} // namespace rouse
