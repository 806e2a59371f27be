// TaskHandle<T>: refers to a task that a loop runs. current_task(): the running one.
#pragma once

#include <coroutine>
#include <cstddef>
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

/// A counted reference to a task of any type: the part of a TaskHandle that does not depend on T. For the thread of the
/// task's loop; the count is not atomic.
class TaskReference {
public:
    TaskReference() noexcept = default;
    /// Refers to the same task.
    TaskReference(const TaskReference& other) noexcept : TaskReference{other.task_} {}
    /// Takes over the reference; `other` is empty afterwards.
    TaskReference(TaskReference&& other) noexcept : task_{std::exchange(other.task_, nullptr)} {}
    /// Drops the present task and refers to that of `other`.
    TaskReference& operator=(TaskReference other) noexcept {
        std::swap(task_, other.task_);
        return *this;
    }
    ~TaskReference() {
        if (task_ != nullptr) Scheduler::release(*task_);
    }

    /// Whether the handle refers to a task. Of an empty handle, awaiting and result() are UsageErrors.
    explicit operator bool() const noexcept { return task_ != nullptr; }

    /// Makes the next resumption of the task throw CancelledError at its co_await; without exceptions, its frames are
    /// destroyed instead, the innermost first. If the task is awaiting another task, that one is cancelled.
    /// Cancellation wins even if the awaited thing has happened already, and nothing is lost by it. Returns false, and
    /// does nothing, if the task is done or the handle is empty. UsageError if a task cancels itself, or a task of
    /// another thread.
    bool cancel() const {
        if (task_ == nullptr || task_->finished()) return false;
        if (task_->state == TaskState::running && task_ == running_or_null()) {
            misuse("rouse: TaskHandle::cancel: a task cannot cancel itself; return, or throw CancelledError");
        }
        return scheduler_of_task().cancel(*task_);
    }

    /// Whether the task has ended: has returned, thrown or been cancelled. True for an empty handle.
    [[nodiscard]] bool done() const noexcept { return task_ == nullptr || task_->finished(); }

    /// Whether the task has ended by a cancellation. False for an empty handle.
    [[nodiscard]] bool cancelled() const noexcept {
        return task_ != nullptr && task_->finished() && task_->ending == Ending::cancelled;
    }

    /// The name given to create_task; empty if it has none. Valid as long as a handle refers to the task.
    [[nodiscard]] std::string_view name() const noexcept {
        if (task_ == nullptr || !task_->named) return {};
        return task_->name->text();
    }

    /// Whether both refer to the same task, or both are empty.
    friend bool operator==(const TaskReference& a, const TaskReference& b) noexcept { return a.task_ == b.task_; }

    /// The record of the task; null for an empty handle.
    friend TaskRecord* record_of(const TaskReference& reference) noexcept { return reference.task_; }

protected:
    explicit TaskReference(TaskRecord* task) noexcept : task_{task} {
        if (task_ != nullptr) task_->add_reference();
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

/// UsageError unless `task` belongs to the current loop.
inline void check_awaitable(const TaskReference& task) {
    if (!task) misuse("rouse: co_await of an empty TaskHandle");
    if (FramePool::of(*record_of(task)) != Scheduler::current().frame_pool()) {
        misuse("rouse: co_await of a TaskHandle: the task belongs to another loop");
    }
}

/// Waits for a task to end. Shared by `co_await handle` and `co_await handle.outcome()`.
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
        // Without exceptions a cancelled task cancels the awaiting task, which must be suspended for that.
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
    // For await_resume: the task that has ended.
    TaskRecord& resumed() {
        if (waiter_.task != nullptr) Scheduler::check_cancelled(); // it was suspended
        record_of(awaited_)->ending_observed = true;
        return *record_of(awaited_);
    }

private:
    // The tasks of a circle would wait for ever, and cancel() relies on there being no circle.
    // Only a task that is awaited itself can close one.
    static void refuse_circle(TaskRecord& awaited) {
        TaskRecord& awaiting = Scheduler::running_task_itself();
        for (TaskRecord* task = &awaited;;) {
            if (task == &awaiting)
                misuse("rouse: co_await of a TaskHandle: a task cannot await itself, nor a task that awaits it");
            if ((ROUSE_HOSTED && awaiting.awaiters() == nullptr) || task->state != TaskState::waiting_for_task) return;
            task = static_cast<JoinWaiter*>(task->link.waiter)->awaited;
        }
    }

    TaskReference awaited_; // keeps the result
    JoinWaiter waiter_;
};

/// The value that a task returned: a copy, because other tasks may await it too; moved out if it cannot be copied.
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

/// `co_await handle`: returns the value of the task, or throws.
template <class T>
struct ValueAwaiter : JoinAwaiter {
    using JoinAwaiter::JoinAwaiter;
    T await_resume() {
        [[maybe_unused]] TaskRecord& task = resumed();
#if ROUSE_EXCEPTIONS
        if (task.ending != Ending::value) throw_ending(task);
#endif
        if constexpr (!std::is_void_v<T>) return take_value<T>(task);
    }
};

/// `co_await handle.outcome()`: returns how the task ended.
template <class T>
struct OutcomeAwaiter : JoinAwaiter {
    using JoinAwaiter::JoinAwaiter;
    Outcome<T> await_resume() { return outcome_of<T>(resumed()); }
};

/// A handle for a task; an empty handle for null.
template <class T>
TaskHandle<T> handle_of(TaskRecord* task) noexcept;

} // namespace detail

/// Refers to a task that was started, to await it, cancel it or ask for its result. TaskHandle<> refers to a task of
/// any type. Dropping a handle does not stop the task.
///
/// A handle can be copied. It may be used only on the thread of the task's loop, and may outlive that loop.
///
/// `co_await handle` waits for the task to end. Any number of tasks of the same loop may do so at once; they resume in
/// the order in which they began to wait. It returns a copy of the task's value (a value that cannot be copied is moved
/// to the first task that awaits it), throws the task's exception, or throws CancelledError if the task was cancelled.
/// Cancelling the awaiting task cancels the awaited one; to avoid that, wait for an Event that the task sets.
///
/// When a task ends, its local variables and arguments are destroyed, before the tasks that await it resume. Only the
/// result stays, in the memory of its frame, until the last handle is gone. So a task may hold handles of itself.
///
/// Costs one word. Handles can be compared and hashed. A task may have as many handles as there is memory for; on
/// firmware 65,535, and one more is a panic.
template <class T>
class TaskHandle : public detail::TaskReference {
public:
    TaskHandle() noexcept = default;
    /// Converts a handle of any type; only the value of the task is not accessible.
    template <class U>
        requires std::is_void_v<T>
    TaskHandle(const TaskHandle<U>& other) noexcept : TaskReference{other} {}

    /// Waits for the task to end; see above.
    auto operator co_await() const& noexcept { return detail::ValueAwaiter<T>{*this, false}; }
    /// As above, for a temporary handle, which is kept until the task has ended.
    auto operator co_await() && noexcept { return detail::ValueAwaiter<T>{std::move(*this), false}; }

    /// `co_await handle.outcome()` waits in the same way and returns an Outcome: the value, the exception or the
    /// cancellation. It throws only if the awaiting task itself is cancelled. Works with and without exceptions.
    [[nodiscard]] auto outcome() const noexcept { return detail::OutcomeAwaiter<T>{*this, true}; }

    /// Returns the value of a task that is done(), or throws its exception or CancelledError. UsageError if the task
    /// has not ended.
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

/// The task that is running. UsageError if no task is running on this thread.
inline TaskHandle<> current_task() { return detail::handle_of<void>(&detail::Scheduler::running_task_itself()); }

} // namespace ROUSE_ABI
} // namespace rouse

/// Handles of the same task have the same hash, whatever their type; so have empty handles.
template <class T>
struct std::hash<rouse::TaskHandle<T>> {
    std::size_t operator()(const rouse::TaskHandle<T>& handle) const noexcept {
        return std::hash<const void*>{}(record_of(handle));
    }
};
