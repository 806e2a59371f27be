// Task<T>: the return type of a coroutine that a loop can run.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/current_error.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

template <class T = void>
class Task;

namespace detail {

// Both compilers let a coroutine whose body ends without a co_return reach its final suspend point.
[[noreturn]] inline void refuse_missing_value() {
    misuse(
        "rouse: Task: a coroutine that returns a value ended without co_return; give each of its paths a "
        "`co_return value`");
}

/// Called when a coroutine that returns a value has ended: reports a UsageError if it has not returned one.
ROUSE_NOINLINE_ON_FIRMWARE inline void value_frame_ended(TaskRecord& record) noexcept {
#if ROUSE_EXCEPTIONS
    if (record.is_task && record.ending == Ending::none) [[unlikely]] { // of a child, see throw_ending
        try {
            refuse_missing_value();
        } catch (...) {
            record.set_error(std::current_exception());
        }
    }
#else
    if (record.ending == Ending::none) [[unlikely]]
        refuse_missing_value();
#endif
    Scheduler::frame_ended(record);
}

/// What all promises share: where frames are allocated, and what happens when a coroutine begins and ends.
template <class Derived>
class PromiseBase {
public:
    // noexcept, so that after a failure the compiler calls get_return_object_on_allocation_failure(). Inlined, so that
    // `bytes` is a constant and a frame that can never fit is a link error (see static_frame_pool.hpp).
    [[gnu::always_inline]] static void* operator new(std::size_t bytes) noexcept {
        Scheduler* scheduler = Scheduler::current_or_null();
        return FramePool::begin_frame(scheduler == nullptr ? nullptr : scheduler->frame_pool(),
                                      sizeof(TaskRecord) + bytes);
    }
    static void operator delete(void* frame, std::size_t) noexcept {
        Scheduler::frame_destroyed(*(static_cast<TaskRecord*>(frame) - 1));
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<Derived> frame) const noexcept {
            if constexpr (Derived::returns_value) {
                value_frame_ended(TaskRecord::of(frame));
            } else {
                Scheduler::frame_ended(TaskRecord::of(frame));
            }
        }
        void await_resume() const noexcept {}
    };
    FinalAwaiter final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept {
#if ROUSE_EXCEPTIONS
        try {
            throw;
        } catch (const CancelledError&) {
            record().ending = Ending::cancelled;
        } catch (...) {
            record().set_error(current_error());
        }
#endif
    }

    [[nodiscard]] TaskRecord& record() noexcept { return TaskRecord::of(handle()); }

protected:
    // The frame of this promise. The address passes through an empty asm, so that the compiler cannot relate it to the
    // promise or to the memory that it allocated. Otherwise clang may place the frame of a child inside its parent's
    // (heap elision), where no record precedes it; or it may conclude that a promise of one byte gives no access to
    // what precedes it, and drop stores to the record.
    std::coroutine_handle<Derived> handle() noexcept {
        void* address = std::coroutine_handle<Derived>::from_promise(static_cast<Derived&>(*this)).address();
        asm("" : "+r"(address));
        return std::coroutine_handle<Derived>::from_address(address);
    }
};

template <class T>
class Promise : public PromiseBase<Promise<T>> {
    using Stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;
    static_assert(
        aligned_in_frame<T>,
        "rouse: Task<T>: T needs a stricter alignment than coroutine frames have; return a std::unique_ptr<T>, or let "
        "the caller pass a reference to a T that is not in a frame");

public:
    static constexpr bool returns_value = true;

    Promise() noexcept {}
    // A task's value outlives its promise: the frame is destroyed when the task ends, and the value stays in its place
    // until the last handle is gone.
    ~Promise() {
        if constexpr (!std::is_trivially_destructible_v<Stored>) {
            TaskRecord& record = this->record();
            if (record.ending != Ending::value) return;
            if (record.is_task) {
                record.destroy_value = &destroy_value;
            } else {
                std::destroy_at(std::addressof(value_));
            }
        }
    }

    Task<T> get_return_object() noexcept { return Task<T>{this->handle()}; }
    static Task<T> get_return_object_on_allocation_failure() noexcept { return Task<T>{}; }

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            value_ = std::addressof(static_cast<std::remove_reference_t<T>&>(value));
        } else {
            discard_value();
            ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<U>(value));
        }
        this->record().ending = Ending::value;
    }

    void unhandled_exception() noexcept {
        discard_value();
        PromiseBase<Promise>::unhandled_exception();
    }

    [[nodiscard]] std::remove_reference_t<T>& value() noexcept {
        if constexpr (std::is_reference_v<T>) {
            return *value_;
        } else {
            return value_;
        }
    }

private:
    // A local variable whose destructor throws after `co_return v` leaves a value that is not the result.
    void discard_value() noexcept {
        if constexpr (!std::is_trivially_destructible_v<Stored>) {
            if (this->record().ending != Ending::value) [[likely]]
                return;
            std::destroy_at(std::addressof(value_));
            this->record().ending = Ending::none; // the constructor of the next value may throw
        }
    }

    static void destroy_value(TaskRecord& record) noexcept {
        std::destroy_at(std::addressof(std::coroutine_handle<Promise>::from_address(&record + 1).promise().value_));
    }

    union {
        Stored value_; // alive only when the record's ending is `value`
    };
};

template <>
class Promise<void> : public PromiseBase<Promise<void>> {
public:
    static constexpr bool returns_value = false;

    inline Task<void> get_return_object() noexcept;
    inline static Task<void> get_return_object_on_allocation_failure() noexcept;
    void return_void() noexcept { record().ending = Ending::value; }
};

#if ROUSE_EXCEPTIONS
/// Throws what ended a coroutine without a value: its error or its cancellation.
[[noreturn]] inline void throw_ending(TaskRecord& record) {
    if (record.ending == Ending::error) std::rethrow_exception(record.error());
    if (record.ending == Ending::none) refuse_missing_value();
    Scheduler::note_cancellation();
    throw CancelledError{};
}
#endif

ROUSE_NOINLINE_ON_FIRMWARE inline void check_child(std::coroutine_handle<> child) {
    if (!child) [[unlikely]]
        misuse("rouse: co_await of an empty Task: it was moved from, or its frame could not be allocated");
    if (TaskRecord::of(child).state != TaskState::created) [[unlikely]]
        misuse("rouse: co_await of a Task that was awaited before; use create_task to await it more than once");
}

// Resumes the child. Returns false if it has ended, so that the parent continues at once.
ROUSE_NOINLINE_ON_FIRMWARE inline bool suspends_in(std::coroutine_handle<> child, std::coroutine_handle<> parent) {
    TaskRecord& record = TaskRecord::of(child);
    record.state = TaskState::running;
    if (!Scheduler::may_continue()) [[unlikely]] {
        Scheduler::park_before_child(child, parent);
        return true;
    }
    child.resume();
    if (child.done()) return false;
    record.resume_point = parent;
    return true;
}

/// The awaiter of a Task: resumes the child from await_suspend, on the stack of the parent's resumption.
///
/// If the child ends without suspending, await_suspend returns false and the parent continues, so the stack does not
/// grow with the number of children. A child that ends later makes its parent the resume point of the task (see
/// FinalAwaiter), and the loop resumes it. Neither depends on symmetric transfer, which GCC turns into a tail call only
/// when optimising, and not on every CPU.
template <class T>
class ChildAwaiter {
public:
    explicit ChildAwaiter(std::coroutine_handle<Promise<T>> child) noexcept : child_{child} {}

    bool await_ready() const {
        check_child(child_);
        return false;
    }

    bool await_suspend(std::coroutine_handle<> parent) { return suspends_in(child_, parent); }

    T await_resume() {
#if ROUSE_EXCEPTIONS
        TaskRecord& record = TaskRecord::of(child_);
        if (record.ending != Ending::value) [[unlikely]]
            throw_ending(record);
#endif
        if constexpr (!std::is_void_v<T>) return std::forward<T>(child_.promise().value());
    }

protected:
    std::coroutine_handle<Promise<T>> child_;
};

/// The awaiter of a Task that has a name and so outlives the await: destroys the frame when it has ended, as the end of
/// the expression does for a temporary. Therefore Tasks that hold Tasks are not destroyed one inside the other.
template <class T>
class NamedChildAwaiter : public ChildAwaiter<T> {
public:
    using ChildAwaiter<T>::ChildAwaiter;

    T await_resume() {
        struct DestroyFrame {
            std::coroutine_handle<> frame;
            ~DestroyFrame() { Scheduler::destroy_child(frame); }
        } const at_the_end{this->child_};
        return ChildAwaiter<T>::await_resume();
    }
};

/// The record of a Task, which must not be empty.
template <class T>
TaskRecord& record_of(const Task<T>& task) noexcept;

/// Takes the frame out of a Task and leaves it empty. Returns null if it was empty before.
template <class T>
[[nodiscard]] TaskRecord* release(Task<T>& task) noexcept;

} // namespace detail

/// A coroutine that returns T, not yet started. It begins when it is awaited or started:
///
///     co_await f()       runs it in place, as part of the awaiting task, and returns its result
///     create_task(f())   starts it as a task of its own, which runs beside the present one
///     run(f())           runs it as the main task of a new loop
///
/// Make, await and destroy a Task on the thread of the loop that runs it, while that loop exists. It is move-only.
/// Destroying a Task that was never started destroys its frame. A Task is empty after it has been moved from or
/// started, and also if its frame could not be allocated: awaiting an empty Task is a UsageError.
///
/// The arguments are copied or moved into the frame. They are destroyed when the coroutine has ended, after its local
/// variables and before what awaits it resumes; in `co_await f()`, as temporaries are, at the end of the full
/// expression. Arguments that are references or pointers must stay valid by themselves, and so must the captures of a
/// lambda: a lambda with captures must outlive the coroutines that it makes. create_task(lambda, arguments...) takes
/// care of that: it stores the lambda.
///
/// A Task that has not been started may outlive the loop on whose thread it was made, and that thread; it can then be
/// run or destroyed on any other.
///
/// A coroutine that returns a value must not end without `co_return value`: awaiting it is a UsageError then; without
/// exceptions, a panic. Frames have the alignment that `new` gives to ordinary types. A result or an argument that
/// needs more is a compile error. A local variable that needs more cannot be detected and is misaligned: keep it on
/// the heap, in a static variable, or in a function that is not a coroutine.
///
/// Costs one frame from the pool of the loop, which calls the heap only to grow. Awaiting a Task in place involves
/// neither the ready queue nor an allocation besides that frame.
template <class T>
class [[nodiscard]] Task {
    static_assert(std::is_same_v<T, std::remove_cv_t<T>>,
                  "rouse: Task<const T>: a result is returned by value; write Task<T>");

public:
    /// Required by the language.
    using promise_type = detail::Promise<T>;
    /// The type that the coroutine returns.
    using value_type = T;

    Task() noexcept = default;
    /// Takes over the coroutine; `other` is empty afterwards.
    Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
    /// Destroys the present coroutine, if there is one, and takes over that of `other`, which is empty afterwards.
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            if (frame_) frame_.destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~Task() {
        if (frame_) frame_.destroy();
    }

    /// Whether there is a coroutine; false for an empty Task.
    explicit operator bool() const noexcept { return frame_ != nullptr; }

    /// Runs the coroutine in place. Returns what it returns, or throws what it throws. A Task can be awaited once;
    /// UsageError the second time. If the awaiting task is cancelled, CancelledError is thrown at the co_await where
    /// the innermost coroutine is suspended.
    auto operator co_await() const& noexcept { return detail::NamedChildAwaiter<T>{frame_}; }
    /// As above, for a temporary.
    auto operator co_await() const&& noexcept { return detail::ChildAwaiter<T>{frame_}; }

private:
    friend promise_type;
    template <class U>
    friend detail::TaskRecord& detail::record_of(const Task<U>& task) noexcept;
    template <class U>
    friend detail::TaskRecord* detail::release(Task<U>& task) noexcept;
    explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
TaskRecord& record_of(const Task<T>& task) noexcept {
    return TaskRecord::of(task.frame_);
}

template <class T>
TaskRecord* release(Task<T>& task) noexcept {
    return task.frame_ ? &TaskRecord::of(std::exchange(task.frame_, nullptr)) : nullptr;
}

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse

/// The promise of a coroutine that returns a Task. Checks its arguments.
template <class T, class... Arguments>
struct std::coroutine_traits<rouse::Task<T>, Arguments...> {
    static_assert((rouse::detail::aligned_in_frame<Arguments> && ...),
                  "rouse: Task: an argument of the coroutine needs a stricter alignment than coroutine frames have; "
                  "pass a reference or a pointer");
    /// That of the Task, whatever the arguments are.
    using promise_type = typename rouse::Task<T>::promise_type;
};

namespace rouse {
inline namespace ROUSE_ABI {

inline Task<void> detail::Promise<void>::get_return_object() noexcept { return Task<void>{handle()}; }
inline Task<void> detail::Promise<void>::get_return_object_on_allocation_failure() noexcept { return Task<void>{}; }

} // namespace ROUSE_ABI
} // namespace rouse
