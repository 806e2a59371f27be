// TaskHandle<T>: refers to a task that a loop runs. current_task(): the running one.
#pragma once

#include <coroutine>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/copyable.hpp>
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
        if (task_ == nullptr) return;
        check_reference();
        Scheduler::release(*task_);
    }

    /// Whether the handle refers to a task. Of an empty handle, awaiting and result() are UsageErrors.
    explicit operator bool() const noexcept { return task_ != nullptr; }

    /// Makes the next resumption of the task throw CancelledError at its co_await; without exceptions, its frames are
    /// destroyed instead, the innermost first. If the task is awaiting another task, that one is cancelled.
    /// Cancellation wins even if the awaited thing has happened already, and nothing is lost by it. Returns false, and
    /// does nothing, if the task is done or the handle is empty. UsageError if a task cancels itself, or a task of
    /// another thread.
    bool cancel() const {
        if (task_ == nullptr) return false;
        check_thread(
            "rouse: TaskHandle::cancel: the task belongs to the loop of another thread; signal it through a "
            "thread-safe object");
        if (task_->finished()) return false;
        if (task_->state == TaskState::running && task_ == running_or_null()) {
            misuse("rouse: TaskHandle::cancel: a task cannot cancel itself; return, or throw CancelledError");
        }
        return scheduler_of_task().cancel(*task_);
    }

    /// Whether the task has ended: has returned, thrown or been cancelled. True for an empty handle.
    [[nodiscard]] bool done() const {
        check_thread(
            "rouse: TaskHandle::done: called on another thread than that of the task's loop; signal that loop through "
            "a thread-safe object");
        return task_ == nullptr || task_->finished();
    }

    /// Whether the task has ended by a cancellation. False for an empty handle.
    [[nodiscard]] bool cancelled() const {
        check_thread(
            "rouse: TaskHandle::cancelled: called on another thread than that of the task's loop; signal that loop "
            "through a thread-safe object");
        return task_ != nullptr && task_->finished() && task_->ending == Ending::cancelled;
    }

    /// The name given to create_task; empty if it has none. Valid as long as a handle refers to the task.
    [[nodiscard]] std::string_view name() const noexcept {
        if (task_ == nullptr || !task_->named) return {};
        return task_->name->text();
    }

    /// Whether both refer to the same task, or both are empty.
    friend bool operator==(const TaskReference& a, const TaskReference& b) noexcept { return a.task_ == b.task_; }

    friend TaskRecord* record_of(const TaskReference& reference) noexcept;

protected:
    // If ROUSE_CHECKED: a misuse on another thread than that of the task's loop, as long as that loop exists.
    template <bool Checked = ROUSE_CHECKED != 0>
    void check_thread([[maybe_unused]] const char* message) const {
        if constexpr (Checked) {
            if (task_ != nullptr && Scheduler::on_foreign_thread(*task_)) [[unlikely]]
                misuse(message);
        }
    }

    explicit TaskReference(TaskRecord* task) noexcept : task_{task} {
        if (task_ == nullptr) return;
        check_reference();
        task_->add_reference();
    }

private:
    // As check_thread(), where nothing can be thrown.
    template <bool Checked = ROUSE_CHECKED != 0>
    void check_reference() const noexcept {
        if constexpr (Checked) {
            if (Scheduler::on_foreign_thread(*task_)) [[unlikely]]
                ROUSE_PANIC(
                    "rouse: TaskHandle: copied or dropped on another thread than that of the task's loop, whose count "
                    "of handles is not atomic; keep the handles on that thread");
        }
    }
    static TaskRecord* running_or_null() noexcept {
        Scheduler* scheduler = Scheduler::current_or_null();
        return scheduler == nullptr ? nullptr : scheduler->running_or_null();
    }
    [[nodiscard]] Scheduler& scheduler_of_task() const {
        FramePool* pool = FramePool::of(*task_);
        if (ROUSE_HOSTED && pool->thread() != Scheduler::this_thread()) {
            misuse(
                "rouse: TaskHandle::cancel: the task belongs to the loop of another thread; signal it through a "
                "thread-safe object");
        }
        return *pool->scheduler();
    }

    TaskRecord* task_ = nullptr;
};

/// The record of the task; null for an empty handle.
inline TaskRecord* record_of(const TaskReference& reference) noexcept { return reference.task_; }

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
        return task->finished() && Scheduler::may_continue();
    }

    ROUSE_NOINLINE_ON_FIRMWARE void await_suspend(std::coroutine_handle<> frame) {
        TaskRecord& awaited = *record_of(awaited_);
        if (awaited.finished()) [[unlikely]] {
            if (!ROUSE_EXCEPTIONS && !waiter_.wants_outcome && awaited.ending == Ending::cancelled) {
                Scheduler::running_task().cancel_requested = true;
            }
            Scheduler::park_woken(waiter_, frame);
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

/// What happens to the handle by which a task is awaited: it is kept, so that the value may be wanted again; or it is
/// given up, as an rvalue is, and as the handle is by which the library awaits a Task.
enum class Handle : bool { kept, given_up };

/// The value that a task returned: moved out if the handle is given up or the value cannot be copied; else a copy.
template <class T, Handle handle = Handle::kept>
decltype(auto) take_value(TaskRecord& task) {
    auto& value = std::coroutine_handle<Promise<T>>::from_address(&task + 1).promise().value();
    if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(value);
    } else if constexpr (std::is_trivially_copyable_v<T>) {
        return T(std::move(value));
    } else {
        if (task.value_moved) [[unlikely]] {
            misuse(
                "rouse: co_await of a TaskHandle: the value of the task was moved out before; a handle that is an "
                "rvalue moves it, so keep the handle in a variable and await that; a value that cannot be copied can "
                "be awaited once");
        }
        if constexpr (handle == Handle::kept && copyable<T>) {
            return T(value);
        } else {
            task.value_moved = true;
            return T(std::move(value));
        }
    }
}

/// How a finished task ended.
template <class T, Handle handle = Handle::kept>
Outcome<T> outcome_of(TaskRecord& task) {
    switch (task.ending) {
#if ROUSE_EXCEPTIONS
    case Ending::error: return Outcome<T>::of_error(task.error());
#endif
    case Ending::value:
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>::of_value();
        } else {
            return Outcome<T>::of_value(take_value<T, handle>(task));
        }
    default: return Outcome<T>::of_cancelled();
    }
}

/// The value of a finished task; throws if it ended without one.
template <class T, Handle handle>
T result_of_task(TaskRecord& task) {
    task.ending_observed = true;
    if constexpr (!std::is_void_v<T>) {
        if (task.ending == Ending::value) [[likely]]
            return take_value<T, handle>(task);
    }
    return outcome_of<T, handle>(task).value();
}

/// `co_await handle`: returns the value of the task, or throws.
template <class T, Handle handle = Handle::kept>
struct ValueAwaiter : JoinAwaiter {
    using JoinAwaiter::JoinAwaiter;
    T await_resume() {
        [[maybe_unused]] TaskRecord& task = resumed();
#if ROUSE_EXCEPTIONS
        if (task.ending != Ending::value) throw_ending(task);
#endif
        if constexpr (!std::is_void_v<T>) return take_value<T, handle>(task);
    }
};

/// `co_await handle.outcome()`: returns how the task ended.
template <class T, Handle handle = Handle::kept>
struct OutcomeAwaiter : JoinAwaiter {
    using JoinAwaiter::JoinAwaiter;
    Outcome<T> await_resume() { return outcome_of<T, handle>(resumed()); }
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
/// the order in which they began to wait. It returns a copy of the task's value, throws the task's exception, or throws
/// CancelledError if the task was cancelled. If the handle is an rvalue, as in `co_await create_task(f())` and
/// `co_await std::move(handle)`, or if the value cannot be copied, the value is moved instead; asking for it again is
/// then a UsageError. (A class that has, say, a std::vector of std::unique_ptr as a member claims to be copyable and is
/// not: await an rvalue, or delete its copy constructor.) Cancelling the awaiting task cancels the awaited one; to
/// avoid that, wait for an Event that the task sets.
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
    auto operator co_await() const& {
        check_thread(elsewhere);
        return detail::ValueAwaiter<T>{*this, false};
    }
    /// As above, for a handle that is given up: moves the value.
    auto operator co_await() && noexcept {
        return detail::ValueAwaiter<T, detail::Handle::given_up>{std::move(*this), false};
    }

    /// `co_await handle.outcome()` waits in the same way and returns an Outcome: the value, the exception or the
    /// cancellation. It throws only if the awaiting task itself is cancelled. Works with and without exceptions.
    [[nodiscard]] auto outcome() const& {
        check_thread(elsewhere);
        return detail::OutcomeAwaiter<T>{*this, true};
    }
    /// As above, for a handle that is given up: moves the value.
    [[nodiscard]] auto outcome() && {
        check_thread(elsewhere);
        return detail::OutcomeAwaiter<T, detail::Handle::given_up>{std::move(*this), true};
    }

    /// Returns the value of a task that is done(), or throws its exception or CancelledError. UsageError if the task
    /// has not ended.
    [[nodiscard]] T result() const& { return result_by<detail::Handle::kept>(); }
    /// As above, for a handle that is given up: moves the value.
    [[nodiscard]] T result() && { return result_by<detail::Handle::given_up>(); }

private:
    static constexpr const char* elsewhere = "rouse: co_await of a TaskHandle: the task belongs to another loop";

    template <detail::Handle handle>
    T result_by() const {
        check_thread(
            "rouse: TaskHandle::result: called on another thread than that of the task's loop; signal that loop "
            "through a thread-safe object");
        if (!*this || !done()) detail::misuse("rouse: TaskHandle::result: the task has not ended");
        return detail::result_of_task<T, handle>(*record_of(*this));
    }

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
    /// The same for all handles of a task.
    std::size_t operator()(const rouse::TaskHandle<T>& handle) const noexcept {
        return std::hash<const void*>{}(record_of(handle));
    }
};
