// as_handle: turns anything that can be awaited into a task.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/awaiter_of.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// True if A is a Task or a TaskHandle; false if it is an object's wait.
template <class A>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;
template <class T>
inline constexpr bool is_task<TaskHandle<T>> = true;

/// A coroutine that awaits an object's wait, or any other awaitable.
template <class A>
Task<Awaited<A>> await_once(A awaitable) {
    co_return co_await std::move(awaitable);
}
/// As above, for a handle that the caller keeps, whose result is copied.
template <class T>
Task<T> await_once(TaskHandle<T> handle) {
    co_return co_await handle;
}

/// Returns a handle unchanged.
template <class T>
TaskHandle<T> as_handle(TaskHandle<T> handle) {
    check_awaitable(handle);
    return handle;
}

/// Starts a Task.
template <class T>
TaskHandle<T> as_handle(Task<T> task) {
    if (!task) misuse("rouse: an empty Task cannot be awaited: it was moved from, or its frame could not be allocated");
    TaskHandle<T> handle = start_awaited(Scheduler::current(), std::move(task));
    if (!handle) misuse("rouse: a Task of another loop cannot be awaited: there is no memory to adopt it");
    return handle;
}

/// Makes a Task of an object's wait, such as `queue.get()`, or of any other awaitable.
template <class A>
Task<Awaited<A>> as_task(A awaitable) {
    static_assert(
        !requires { A::refers_to_its_value; },
        "rouse: gather, TaskGroup::create_task: a queue's put only refers to its value, which may be gone before it is "
        "taken; put it from a separate Task");
    return await_once(std::move(awaitable));
}

/// Starts a Task that awaits what has an operator co_await, such as the result of foreign().
template <class A>
    requires(AwaitedByOther<A> && !is_task<A>)
auto as_handle(A awaitable) {
    return as_handle(as_task(std::move(awaitable)));
}

/// Whether an awaiter was interrupted by a timeout but had to wait longer, and its wait has failed. Awaiters for which
/// that can happen have a member function interrupted().
template <class A>
bool was_interrupted(A& awaiter) {
    if constexpr (requires { awaiter.interrupted(); }) {
        return awaiter.interrupted();
    } else {
        return false;
    }
}

/// Whether an argument of a template parameter A&& gives up its result: a TaskHandle that is an lvalue is kept, a
/// Task and everything else is given up. Results are moved out of what is given up, and copied from what is kept.
template <class A>
inline constexpr Handle handle_of_argument =
    (std::is_lvalue_reference_v<A> || std::is_const_v<A>) && is_task<std::remove_cvref_t<A>> ? Handle::kept
                                                                                             : Handle::given_up;

/// The type of the result of awaiting an A.
template <class A>
struct ResultOf {
    using type = Awaited<A>;
};
template <class T>
struct ResultOf<Task<T>> {
    using type = T;
};
template <class T>
struct ResultOf<TaskHandle<T>> {
    using type = T;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
