// TaskHandle<T>: refers to a task that a loop runs. Also current_task().
#pragma once

#include <coroutine>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/outcome.hpp>
#include <rouse/core/task.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

template <class T = void>
class TaskHandle;

namespace detail {

/// A counted reference to a task, whatever it returns. Not thread-safe: it stays on the thread of the task's loop.
class TaskReference {
public:
    TaskReference() noexcept = default;
    /// One more hold on the same task.
    TaskReference(const TaskReference& other) noexcept : TaskReference{other.task_} {}
    /// Takes over the hold; the other handle is empty then.
    TaskReference(TaskReference&& other) noexcept : task_{std::exchange(other.task_, nullptr)} {}
    /// Drops the task that was held, and holds the other's.
    TaskReference& operator=(TaskReference other) noexcept {
        std::swap(task_, other.task_);
        return *this;
    }
    ~TaskReference() {
        if (task_ != nullptr) Scheduler::release(*task_);
    }

    /// Whether there is a task; everything but cancel(), done() and comparison is bad use of an empty handle.
    explicit operator bool() const noexcept { return task_ != nullptr; }

    /// Makes the next resumption of the task throw CancelledError at its co_await (without exceptions: destroys its
    /// frames instead). Forwarded to the task that it awaits. Returns false if the task is done, and for an empty
    /// handle. A task cannot cancel itself: UsageError.
    bool cancel() const {
        if (task_ == nullptr || task_->finished()) return false;
        if (task_->state == TaskState::running && task_ == running_or_null()) {
            misuse("rouse: TaskHandle::cancel: a task cannot cancel itself; return, or throw CancelledError");
        }
        return scheduler_of_task().cancel(*task_);
    }

    /// Whether the task has ended: returned, thrown or been cancelled. True for an empty handle.
    [[nodiscard]] bool done() const noexcept { return task_ == nullptr || task_->finished(); }

    /// Whether the task has ended by a cancellation.
    [[nodiscard]] bool cancelled() const noexcept {
        return task_ != nullptr && task_->finished() && task_->ending == Ending::cancelled;
    }

    /// The name given to create_task, or an empty one.
    [[nodiscard]] std::string_view name() const noexcept {
        if (task_ == nullptr || !task_->named) return {};
        return task_->name->text();
    }

    /// Whether both are handles of the same task, or both are empty.
    friend bool operator==(const TaskReference& a, const TaskReference& b) noexcept { return a.task_ == b.task_; }

    /// The record of the task; null for an empty handle.
    friend TaskRecord* record_of(const TaskReference& reference) noexcept { return reference.task_; }

protected:
    explicit TaskReference(TaskRecord* task) noexcept : task_{task} {
        if (task_ != nullptr) ++task_->references;
    }

private:
    static TaskRecord* running_or_null() noexcept {
        Scheduler* scheduler = Scheduler::current_or_null();
        return scheduler == nullptr ? nullptr : scheduler->running_or_null();
    }
    [[nodiscard]] Scheduler& scheduler_of_task() const {
        FramePool* pool = FramePool::of(*task_);
        if (pool->thread() != Scheduler::current().frame_pool()->thread()) {
            misuse(
                "rouse: TaskHandle::cancel: the task belongs to the loop of another thread; signal it through a "
                "thread-safe object");
        }
        return *pool->scheduler();
    }

    TaskRecord* task_ = nullptr;
};

/// Bad use unless `task` is one of the current loop.
inline void check_awaitable(const TaskReference& task) {
    if (!task) misuse("rouse: co_await of an empty TaskHandle");
    if (FramePool::of(*record_of(task)) != Scheduler::current().frame_pool()) {
        misuse("rouse: co_await of a TaskHandle: the task belongs to another loop");
    }
}

/// Waits for a task. Shared by `co_await handle` and `co_await handle.outcome()`.
class JoinAwaiter {
public:
    JoinAwaiter(TaskReference awaited, bool wants_outcome) noexcept : awaited_{std::move(awaited)} {
        waiter_.wants_outcome = wants_outcome;
    }
    JoinAwaiter(JoinAwaiter&& other) noexcept // before it is awaited
        : JoinAwaiter{std::move(other.awaited_), other.waiter_.wants_outcome} {}
    JoinAwaiter(const JoinAwaiter&) = delete;
    JoinAwaiter& operator=(const JoinAwaiter&) = delete;
    ~JoinAwaiter() { leave(waiter_); }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_ready() const {
        check_awaitable(awaited_);
        const TaskRecord* task = record_of(awaited_);
        // Without exceptions a cancelled task cancels its awaiter, for which that has to suspend.
        if (!ROUSE_EXCEPTIONS && !waiter_.wants_outcome && awaited_.cancelled()) return false;
        return task->finished();
    }

    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) {
        TaskRecord& awaited = *record_of(awaited_);
        if (!ROUSE_EXCEPTIONS && awaited.finished()) {
            Scheduler::running_task().cancel_requested = true;
            Scheduler::current().park_ready(frame);
            return;
        }
        if (awaited.state == TaskState::waiting_for_task || awaited.state == TaskState::running) refuse_circle(awaited);
        waiter_.on_done = &Scheduler::resume_awaiter;
        Scheduler::park(waiter_, TaskState::waiting_for_task, frame);
        enter(waiter_, awaited);
    }

protected:
    // On resumption: the task that has ended.
    TaskRecord& resumed() {
        if (waiter_.task != nullptr) Scheduler::check_cancelled(); // it was suspended
        record_of(awaited_)->ending_observed = true;
        return *record_of(awaited_);
    }

private:
    // A circle would never end, and cancel() relies on there being none.
    static void refuse_circle(TaskRecord& awaited) {
        for (TaskRecord* task = &awaited;;) {
            if (task == &Scheduler::running_task_itself())
                misuse("rouse: co_await of a TaskHandle: a task cannot await itself, nor a task that awaits it");
            if (task->state != TaskState::waiting_for_task) return;
            task = static_cast<JoinWaiter*>(task->link.waiter)->awaited;
        }
    }

    TaskReference awaited_; // keeps the result
    JoinWaiter waiter_;
};

/// The value that a task returned: a copy, as others may await it too; moved out where it cannot be copied.
template <class T>
decltype(auto) take_value(TaskRecord& task) {
    auto& value = std::coroutine_handle<Promise<T>>::from_address(&task + 1).promise().value();
    if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(value);
    } else if constexpr (std::is_copy_constructible_v<T>) {
        return T(value);
    } else {
        return T(std::move(value));
    }
}

/// How a finished task ended.
template <class T>
Outcome<T> outcome_of(TaskRecord& task) {
    switch (task.ending) {
#if ROUSE_EXCEPTIONS
    case Ending::error: return Outcome<T>::of_error(task.error());
#endif
    case Ending::value:
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>::of_value();
        } else {
            return Outcome<T>::of_value(take_value<T>(task));
        }
    default: return Outcome<T>::of_cancelled();
    }
}

/// A handle of a task; an empty handle for null.
template <class T>
TaskHandle<T> handle_of(TaskRecord* task) noexcept;

} // namespace detail

/// A hold on a task. Copyable; dropping it does not stop the task. Stays on the thread of the task's loop, but may
/// outlive the loop. TaskHandle<> is a handle of a task of any type.
///
/// `co_await handle`, by any number of tasks: waits for the task to end, and returns what it returned (a copy; what
/// cannot be copied goes to the first who awaits), throws what it threw, or throws CancelledError if it was cancelled.
/// If the awaiting task is cancelled, so is the awaited one.
template <class T>
class TaskHandle : public detail::TaskReference {
public:
    TaskHandle() noexcept = default;
    /// Any handle is a handle of a task whose value does not matter.
    template <class U>
        requires std::is_void_v<T>
    TaskHandle(const TaskHandle<U>& other) noexcept : TaskReference{other} {}

    struct Awaiter : detail::JoinAwaiter {
        using JoinAwaiter::JoinAwaiter;
        T await_resume() {
            [[maybe_unused]] detail::TaskRecord& task = resumed();
#if ROUSE_EXCEPTIONS
            if (task.ending != detail::Ending::value) detail::throw_ending(task);
#endif
            if constexpr (!std::is_void_v<T>) return detail::take_value<T>(task);
        }
    };
    /// Waits for the task to end, see above.
    auto operator co_await() const& noexcept { return Awaiter{*this, false}; }
    /// The same for a handle that nobody else needs; it is kept until the task has ended.
    auto operator co_await() && noexcept { return Awaiter{std::move(*this), false}; }

    struct OutcomeAwaiter : detail::JoinAwaiter {
        using JoinAwaiter::JoinAwaiter;
        Outcome<T> await_resume() { return detail::outcome_of<T>(resumed()); }
    };
    /// `co_await handle.outcome()`: the same wait, but how the task ended comes back as a value, and a cancelled task
    /// does not cancel the one that awaits it.
    [[nodiscard]] auto outcome() const noexcept { return OutcomeAwaiter{*this, true}; }

    /// What a task that is done() returned, or throws what it threw; UsageError if it is not done.
    [[nodiscard]] T result() const {
        if (!*this || !done()) detail::misuse("rouse: TaskHandle::result: the task has not ended");
        record_of(*this)->ending_observed = true;
        return detail::outcome_of<T>(*record_of(*this)).value();
    }

private:
    template <class U>
    friend TaskHandle<U> detail::handle_of(detail::TaskRecord* task) noexcept;
    explicit TaskHandle(detail::TaskRecord* task) noexcept : TaskReference{task} {}
};

namespace detail {

template <class T>
TaskHandle<T> handle_of(TaskRecord* task) noexcept {
    return TaskHandle<T>{task};
}

} // namespace detail

/// The task that is running. Outside of a task: UsageError.
inline TaskHandle<> current_task() { return detail::handle_of<void>(&detail::Scheduler::running_task_itself()); }

} // namespace ROUSE_ABI
} // namespace rouse
