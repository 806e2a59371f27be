// shield: waits for a task without passing a cancellation on to it.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>
#include <variant>

#include <rouse/combine/detail/as_handle.hpp>
#include <rouse/combine/select.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/stored_call.hpp>
#include <rouse/core/task_handle.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Waits by a select of one handle, because a select leaves the tasks of handles alone when the wait is given up.
template <class T, class Passed>
class ShieldAwaiter {
public:
    explicit ShieldAwaiter(Passed&& handle) : task_{record_of(handle)}, select_{std::forward<Passed>(handle)} {}

    bool await_ready() {
        if (task_ == &Scheduler::running_task_itself())
            misuse("rouse: shield: a task cannot await itself; shield the handle of another task");
        return select_.await_ready();
    }
    bool await_suspend(std::coroutine_handle<> frame) { return select_.await_suspend(frame); }
    T await_resume() {
        if constexpr (std::is_void_v<T>) {
            static_cast<void>(select_.await_resume());
        } else if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*std::get<0>(select_.await_resume()));
        } else {
            return std::get<0>(select_.await_resume());
        }
    }
    /// For try_wait_for.
    [[nodiscard]] bool interrupted() { return select_.interrupted(); }

private:
    const TaskRecord* task_;
    SelectAwaiter<Passed> select_;
};

} // namespace detail

/// `co_await shield(handle)`: like `co_await handle`, but if the waiting task is cancelled, the task of the handle is
/// not: the wait is given up at once, and that task continues. So does it if a time limit of wait_for passes, or if
/// gather or a TaskGroup cancels the wait. The value is copied from a handle that is kept.
///
/// For the tasks of one loop. If the task throws after the wait was given up and no one else awaits it, its exception
/// goes to the loop's exception handler. (At the end of run() all tasks are cancelled, including shielded ones.)
///
/// Takes handles only: a Task runs as part of what awaits it, and would end with it. Start it with create_task, and
/// keep the handle.
///
/// Nothing is allocated.
template <class T>
[[nodiscard]] auto shield(const TaskHandle<T>& handle) {
    return detail::ShieldAwaiter<T, const TaskHandle<T>&>{handle};
}
/// As above, for a handle that is given up: the value is moved.
template <class T>
[[nodiscard]] auto shield(TaskHandle<T>&& handle) {
    return detail::ShieldAwaiter<T, TaskHandle<T>>{std::move(handle)};
}
/// Anything else is a compile error.
template <class A>
    requires(!detail::is_task<std::remove_cvref_t<A>> || detail::is_a_task<std::remove_cvref_t<A>>)
void shield(A&&) {
    static_assert(!std::is_same_v<A, A>,
                  "rouse: shield: it takes the handle of a running task: start the Task with create_task, keep the "
                  "handle, and shield that");
}

} // namespace ROUSE_ABI
} // namespace rouse
