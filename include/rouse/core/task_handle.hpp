// TaskHandle<T>: a hold on a task that a loop runs. Also create_task and current_task.
#pragma once

#include <coroutine>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/loop.hpp>
#include <rouse/core/outcome.hpp>
#include <rouse/core/task.hpp>

namespace rouse::inline ROUSE_ABI {

namespace core {

/// A counted reference to a task, whatever it returns. Not thread-safe: it stays on the thread of the task's loop.
class TaskReference {
public:
    TaskReference() noexcept = default;
    /// For the library.
    explicit TaskReference(TaskRecord* task) noexcept : task_{task} {
        if (task_ != nullptr) ++task_->references;
    }
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
        if (task_ != nullptr) Loop::drop(*task_);
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
        return loop_of_task().cancel(*task_);
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

    /// The record of the task. For the library.
    [[nodiscard]] TaskRecord* record() const noexcept { return task_; }

private:
    static TaskRecord* running_or_null() noexcept;
    [[nodiscard]] Loop& loop_of_task() const {
        FramePool* pool = FramePool::of(*task_);
        if (pool->thread() != Loop::current().frame_pool()->thread()) {
            misuse(
                "rouse: TaskHandle::cancel: the task belongs to the loop of another thread; signal it through a "
                "thread-safe object");
        }
        return *pool->loop();
    }

    TaskRecord* task_ = nullptr;
};

/// Bad use unless `task` is one of the current loop.
inline void check_awaitable(const TaskReference& task) {
    if (!task) misuse("rouse: co_await of an empty TaskHandle");
    if (FramePool::of(*task.record()) != Loop::current().frame_pool()) {
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

    ROUSE_ONE_COPY bool await_ready() const {
        check_awaitable(awaited_);
        const TaskRecord* task = awaited_.record();
        // Without exceptions a cancelled task cancels its awaiter, for which that has to suspend.
        if (!ROUSE_EXCEPTIONS && !waiter_.wants_outcome && awaited_.cancelled()) return false;
        return task->finished();
    }

    ROUSE_ONE_COPY void await_suspend(std::coroutine_handle<> frame) {
        TaskRecord& awaited = *awaited_.record();
        if (!ROUSE_EXCEPTIONS && awaited.finished()) {
            Loop::running_task().cancel_requested = true;
            Loop::current().park_ready(frame);
            return;
        }
        if (awaited.state == TaskState::waiting_for_task || awaited.state == TaskState::running) refuse_circle(awaited);
        waiter_.told = &Loop::wake_joined;
        Loop::park(waiter_, TaskState::waiting_for_task, frame);
        enter(waiter_, awaited);
    }

protected:
    // On resumption: the task that has ended.
    TaskRecord& resumed() {
        if (waiter_.task != nullptr) Loop::check_cancelled(); // it was suspended
        awaited_.record()->seen = true;
        return *awaited_.record();
    }

private:
    // A circle would never end, and cancel() relies on there being none.
    static void refuse_circle(TaskRecord& awaited) {
        for (TaskRecord* task = &awaited;;) {
            if (task == &Loop::running_task_itself())
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

} // namespace core

/// A hold on a task. Copyable; dropping it does not stop the task. Stays on the thread of the task's loop, but may
/// outlive the loop. TaskHandle<> is a handle of a task of any type.
///
/// `co_await handle`, by any number of tasks: waits for the task to end, and returns what it returned (a copy; what
/// cannot be copied goes to the first who awaits), throws what it threw, or throws CancelledError if it was cancelled.
/// If the awaiting task is cancelled, so is the awaited one.
template <class T>
class TaskHandle : public core::TaskReference {
public:
    TaskHandle() noexcept = default;
    /// For the library.
    explicit TaskHandle(core::TaskRecord* task) noexcept : TaskReference{task} {}

    /// Any handle is a handle of a task whose value does not matter.
    template <class U>
        requires std::is_void_v<T>
    TaskHandle(const TaskHandle<U>& other) noexcept : TaskReference{other} {}

    struct Awaiter : core::JoinAwaiter {
        using JoinAwaiter::JoinAwaiter;
        T await_resume() {
            [[maybe_unused]] core::TaskRecord& task = resumed();
#if ROUSE_EXCEPTIONS
            if (task.ending != core::Ending::value) core::throw_ending(task);
#endif
            if constexpr (!std::is_void_v<T>) return core::take_value<T>(task);
        }
    };
    /// Waits for the task to end, see above.
    auto operator co_await() const& noexcept { return Awaiter{*this, false}; }
    /// The same for a handle that nobody else needs; it is kept until the task has ended.
    auto operator co_await() && noexcept { return Awaiter{std::move(*this), false}; }

    struct OutcomeAwaiter : core::JoinAwaiter {
        using JoinAwaiter::JoinAwaiter;
        Outcome<T> await_resume() { return outcome_of(resumed()); }
    };
    /// `co_await handle.outcome()`: the same wait, but how the task ended comes back as a value, and a cancelled task
    /// does not cancel the one that awaits it.
    [[nodiscard]] auto outcome() const noexcept { return OutcomeAwaiter{*this, true}; }

    /// What a task that is done() returned, or throws what it threw; UsageError if it is not done.
    [[nodiscard]] T result() const {
        if (!*this || !done()) misuse("rouse: TaskHandle::result: the task has not ended");
        record()->seen = true;
        return outcome_of(*record()).value();
    }

    /// How a task that is done has ended. For the library.
    static Outcome<T> outcome_of(core::TaskRecord& task) {
        switch (task.ending) {
#if ROUSE_EXCEPTIONS
        case core::Ending::error: return Outcome<T>::of_error(task.error());
#endif
        case core::Ending::value:
            if constexpr (std::is_void_v<T>) {
                return Outcome<T>::of_value();
            } else {
                return Outcome<T>::of_value(core::take_value<T>(task));
            }
        default: return Outcome<T>::of_cancelled();
        }
    }
};

/// Starts a task on the current loop: see Loop::create_task.
template <class T>
ROUSE_ONE_COPY TaskHandle<T> create_task(Task<T>&& task) {
    return Loop::current().create_task(std::move(task));
}
/// The same with a name, which is copied.
template <class T>
TaskHandle<T> create_task(Task<T>&& task, std::string_view name) {
    return Loop::current().create_task(std::move(task), name);
}

/// The task that is running. Outside of a task: UsageError.
inline TaskHandle<> current_task() { return TaskHandle<>{&Loop::running_task_itself()}; }

inline core::TaskRecord* core::TaskReference::running_or_null() noexcept {
    Loop* loop = Loop::current_or_null();
    return loop == nullptr ? nullptr : loop->running_or_null();
}

} // namespace rouse::inline ROUSE_ABI

#include <rouse/core/loop_create.hpp>
