// as_handle: makes a task of anything that can be awaited.
#pragma once

#include <coroutine>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/start.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

template <class A>
using Awaited = decltype(std::declval<A&>().await_resume());

template <class A>
Task<Awaited<A>> await_once(A awaitable) {
    co_return co_await awaitable;
}

/// A handle as it is.
template <class T>
TaskHandle<T> as_handle(TaskHandle<T> handle) {
    check_awaitable(handle);
    return handle;
}

/// A Task, started.
template <class T>
TaskHandle<T> as_handle(Task<T> task) {
    if (!task)
        misuse("rouse: an empty Task cannot be waited for: it was moved from, or its frame could not be allocated");
    TaskHandle<T> handle = start_awaited(Scheduler::current(), std::move(task));
    if (!handle) misuse("rouse: a Task of another loop cannot be waited for: there is no memory to adopt it");
    return handle;
}

/// The wait of an object, as a task.
template <class A>
    requires requires(A& awaitable) { awaitable.await_resume(); }
TaskHandle<Awaited<A>> as_handle(A awaitable) {
    static_assert(
        !requires { A::refers_to_its_value; },
        "rouse: gather: a queue's put only refers to its value, which may be gone before it is taken; "
        "put it from a Task of its own");
    return as_handle(await_once(std::move(awaitable)));
}

/// Whether an awaiter that was interrupted, and could not be taken out at once, has waited on in vain. Those that can
/// have a function that tells.
template <class A>
bool was_interrupted(A& awaiter) {
    if constexpr (requires { awaiter.interrupted(); }) {
        return awaiter.interrupted();
    } else {
        return false;
    }
}

/// Whether an A is a Task or a TaskHandle, and not an object's wait.
template <class A>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;
template <class T>
inline constexpr bool is_task<TaskHandle<T>> = true;

/// The type that awaiting an A gives.
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
