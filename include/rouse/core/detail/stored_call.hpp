// call_stored: a Task that keeps a callable and its arguments while the coroutine that the callable makes is running.
#pragma once

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/dangling.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/task.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The result of calling a stored F with stored arguments: the F as an lvalue, the arguments as rvalues, so that a
/// coroutine takes them over or refers to what is stored.
template <class F, class... Arguments>
using ResultOfStored = std::invoke_result_t<std::decay_t<F>&, std::decay_t<Arguments>...>;

template <class T>
inline constexpr bool is_a_task = false;
template <class T>
inline constexpr bool is_a_task<Task<T>> = true;

/// Whether F can be stored and called with these arguments.
template <class F, class... Arguments>
concept Storable = std::is_invocable_v<std::decay_t<F>&, std::decay_t<Arguments>...>;

/// A callable and its arguments.
template <class F, class... Arguments>
struct StoredCall {
    F callable;
    std::tuple<Arguments...> arguments;

    auto call() {
        return std::apply([this](Arguments&... each) { return callable(std::move(each)...); }, arguments);
    }
};

/// Runs the coroutine that the stored callable makes, and destroys the callable and the arguments when it has ended,
/// even if a handle keeps this frame.
template <class T, class Stored>
Task<T> call_stored(std::optional<Stored> stored) {
    struct End {
        std::optional<Stored>& what;
        ~End() { what.reset(); }
    } end{stored};
    Task<T> coroutine = stored->call();
    if (!coroutine)
        misuse("rouse: create_task: the callable returned an empty Task, or its frame could not be allocated");
    co_return co_await std::move(coroutine);
}

/// A Task that stores a callable with its arguments, calls it when it starts, and runs the Task that it returns.
template <class F, class... Arguments>
auto store_call(F&& callable, Arguments&&... arguments) {
    using Returned = ResultOfStored<F, Arguments...>;
    static_assert(is_a_task<Returned>, "rouse: create_task: the callable must return a Task, as a coroutine does");
    static_assert(!AnyParameter<BindsTemporary, std::decay_t<Arguments>...>::template of<std::decay_t<F>>(),
                  "rouse: create_task: a parameter of the callable is a reference, and its argument has to be "
                  "converted first; the converted object would be gone when the coroutine runs: pass an argument of "
                  "the parameter's type, or let the coroutine take it by value");
    using Stored = StoredCall<std::decay_t<F>, std::decay_t<Arguments>...>;
    if constexpr (is_a_task<Returned>) {
        return call_stored<typename Returned::value_type, Stored>(
            Stored{std::forward<F>(callable), {std::forward<Arguments>(arguments)...}});
    } else {
        return Task<>{};
    }
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
