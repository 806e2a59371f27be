// foreign: awaits what knows nothing of rouse.
#pragma once

#include <type_traits>
#include <utility>

#include <rouse/core/detail/awaiter_of.hpp>
#include <rouse/core/detail/foreign_awaiter.hpp>
#include <rouse/core/task.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

class AwaiterBase;
template <class T>
class TaskHandle;

namespace detail {

template <class A>
inline constexpr bool is_rouses = std::is_base_of_v<Waiter, A> || std::is_base_of_v<AwaiterBase, A>;
template <class T>
inline constexpr bool is_rouses<Task<T>> = true;
template <class T>
inline constexpr bool is_rouses<TaskHandle<T>> = true;

/// What foreign() returns: an A&, or an A that it owns.
template <class A>
class [[nodiscard]] ForeignAwaitable {
public:
    explicit ForeignAwaitable(A&& awaitable) : awaitable_(std::forward<A>(awaitable)) {}

    auto operator co_await() && { return ForeignAwaiter<A>{std::forward<A>(awaitable_)}; }

private:
    A awaitable_;
};

} // namespace detail

/// `co_await foreign(theirs)`: awaits an awaitable of another library, or of your own, that knows nothing of rouse, and
/// returns or throws what it does. It may resume on any thread, in a signal handler or in an interrupt, at once or even
/// inside its await_suspend: the task continues on its own loop. `co_await theirs` would hand the task's frame to that
/// context, which then runs the task itself; this cannot work, and usually ends in a panic that says so.
///
/// `theirs` is whatever the language can await: a type with await_ready, await_suspend and await_resume, or with an
/// operator co_await. Its await_suspend takes a std::coroutine_handle<>; it may return void, bool or another handle. An
/// lvalue is referred to, an rvalue is moved. The result is itself awaitable, once, and gather, select, wait_for and
/// TaskGroup take it. All functions of the awaiter run in the task, on the loop. They are given the handle of a small
/// trampoline, which is part of this awaiter, in place of that of the coroutine. It may be resumed or destroyed, once,
/// and has no promise; resuming it only sends a wake, so it costs what ThreadSafeFlag::set does and never blocks.
///
/// What was written before the handle was resumed is visible to await_resume. If it is destroyed instead, the co_await
/// throws AbandonedError; without exceptions, the task is cancelled.
///
/// An operation that rouse does not know cannot be stopped. So a cancellation, a timeout or a lost select is delivered
/// when it resumes, and its result is then dropped; the task stays suspended until then, and so does the end of the
/// loop. Where the operation has a way to stop it, use that first (on_cancel). To take part in all that at once, derive
/// from AwaiterBase.
///
/// A coroutine of another library that awaits rouse's objects inside may be awaited, too, if it ends in a step of the
/// task that awaits it.
///
/// Costs eleven words in the frame of the awaiting coroutine, and their awaiter; nothing is allocated.
template <class A>
auto foreign(A&& awaitable) {
    static_assert(detail::Awaitable<A>,
                  "rouse: foreign: this cannot be awaited: it has neither await_ready, await_suspend and await_resume "
                  "nor an operator co_await; pass an awaitable");
    if constexpr (detail::Awaitable<A>) {
        using Awaiter = std::remove_cvref_t<decltype(detail::awaiter_of(std::declval<A>()))>;
        static_assert(!detail::is_rouses<std::remove_cvref_t<A>> && !detail::is_rouses<Awaiter>,
                      "rouse: foreign: this is rouse's own or derives from AwaiterBase; co_await it as it is");
        static_assert(
            requires(Awaiter awaiter, std::coroutine_handle<> handle) { awaiter.await_suspend(handle); },
            "rouse: foreign: await_suspend must take a std::coroutine_handle<>: it cannot have the promise of "
            "a Task; await it in a coroutine of its own kind, and that coroutine by foreign");
        static_assert(std::is_reference_v<A> || std::is_move_constructible_v<A>,
                      "rouse: foreign: this awaitable cannot be moved; give it a name and pass that");
        return detail::ForeignAwaitable<A>{std::forward<A>(awaitable)};
    }
}

} // namespace ROUSE_ABI
} // namespace rouse
