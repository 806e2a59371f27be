// Task<T>: the type of a coroutine that a loop can run.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

template <class T = void>
class Task;

namespace detail {

/// What all promises have in common: where frames come from, and what happens at both ends of a coroutine.
template <class Derived>
class PromiseBase {
public:
    // noexcept, so that the compiler asks for the failure and gives an empty Task. Inlined, so that the size is a
    // constant and a frame that can never fit is found by the linker (see static_frame_pool.hpp).
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
            Scheduler::frame_ended(TaskRecord::of(frame));
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
            record().set_error(std::current_exception());
        }
#endif
    }

    [[nodiscard]] TaskRecord& record() noexcept { return TaskRecord::of(handle()); }

protected:
    // The frame, by an address of which the compiler cannot tell that it is that of the promise, or of the memory that
    // it allocated. Else clang may put the frame of a child into its parent's (heap elision), and then there is no
    // record in front of it; or it may conclude, for a promise of one byte, that nothing in front of the promise can be
    // reached from it, and drop stores.
    std::coroutine_handle<Derived> handle() noexcept {
        void* address = std::coroutine_handle<Derived>::from_promise(static_cast<Derived&>(*this)).address();
        asm("" : "+r"(address));
        return std::coroutine_handle<Derived>::from_address(address);
    }
};

template <class T>
class Promise : public PromiseBase<Promise<T>> {
    using Stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

public:
    Promise() noexcept {}
    ~Promise() {
        if (this->record().ending == Ending::value) std::destroy_at(&value_);
    }

    Task<T> get_return_object() noexcept { return Task<T>{this->handle()}; }
    static Task<T> get_return_object_on_allocation_failure() noexcept { return Task<T>{}; }

    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            value_ = &static_cast<std::remove_reference_t<T>&>(value);
        } else {
            ::new (static_cast<void*>(std::addressof(value_))) T(std::forward<U>(value));
        }
        this->record().ending = Ending::value;
    }

    [[nodiscard]] std::remove_reference_t<T>& value() noexcept {
        if constexpr (std::is_reference_v<T>) {
            return *value_;
        } else {
            return value_;
        }
    }

private:
    union {
        Stored value_; // alive when the record's ending is `value`
    };
};

template <>
class Promise<void> : public PromiseBase<Promise<void>> {
public:
    inline Task<void> get_return_object() noexcept;
    inline static Task<void> get_return_object_on_allocation_failure() noexcept;
    void return_void() noexcept { record().ending = Ending::value; }
};

#if ROUSE_EXCEPTIONS
/// Throws what ended a coroutine that has not returned.
[[noreturn]] inline void throw_ending(TaskRecord& record) {
    if (record.ending == Ending::error) std::rethrow_exception(record.error());
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

// Runs the child; false if it has ended.
ROUSE_NOINLINE_ON_FIRMWARE inline bool suspends_in(std::coroutine_handle<> child, std::coroutine_handle<> parent) {
    TaskRecord& record = TaskRecord::of(child);
    record.state = TaskState::running;
    child.resume();
    if (child.done()) return false;
    record.resume_point = parent;
    return true;
}

/// co_await of a Task: runs the child at once, on the stack of the parent's resume. A child that ends without
/// suspending has made await_suspend return false, so the parent just goes on, and the stack never grows with the
/// number of children; a child that ends later leaves its parent to the loop (see FinalAwaiter). This does not depend
/// on tail calls, which GCC makes only when optimising, and not on every CPU.
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

private:
    std::coroutine_handle<Promise<T>> child_;
};

/// The record of the frame of a Task, which must not be empty.
template <class T>
TaskRecord& record_of(const Task<T>& task) noexcept;

/// Takes the frame from a Task, which is empty afterwards. Null if it was empty.
template <class T>
[[nodiscard]] TaskRecord* release(Task<T>& task) noexcept;

} // namespace detail

/// A coroutine that returns T. Lazy: it runs when it is awaited (`co_await f()` runs it in place, as part of the task
/// that awaits) or handed to create_task or run. Move-only; destroying one that was not run destroys its frame.
/// Empty after a move, or if its frame could not be allocated.
///
/// Costs a frame from the loop's pool: no call of malloc, but where the pool has to grow.
///
/// Made and awaited on the thread of the loop that runs it. Its arguments live in the frame, until the Task (or the
/// last TaskHandle) is destroyed; what it only refers to must live as long: a lambda that captures must outlive the
/// coroutine that it made.
template <class T>
class [[nodiscard]] Task {
public:
    /// What the language asks for.
    using promise_type = detail::Promise<T>;
    /// What the coroutine returns.
    using value_type = T;

    Task() noexcept = default;
    /// Takes the coroutine; the other is empty then.
    Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
    /// Takes the coroutine; ends the one that was here, if it has not been run.
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

    /// Whether there is a coroutine to run.
    explicit operator bool() const noexcept { return frame_ != nullptr; }

    /// Runs the coroutine in place; once. Returns what it returns, throws what it throws.
    auto operator co_await() const noexcept { return detail::ChildAwaiter<T>{frame_}; }

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

inline Task<void> detail::Promise<void>::get_return_object() noexcept { return Task<void>{handle()}; }
inline Task<void> detail::Promise<void>::get_return_object_on_allocation_failure() noexcept { return Task<void>{}; }

} // namespace ROUSE_ABI
} // namespace rouse
