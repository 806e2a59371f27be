// awaiter_of: the awaiter by which co_await waits.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The awaiter by which `co_await awaitable` waits.
template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
        return std::forward<A>(awaitable).operator co_await();
    } else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); }) {
        return operator co_await(std::forward<A>(awaitable));
    } else {
        return static_cast<std::remove_reference_t<A>&>(awaitable);
    }
}

/// The result of awaiting an object's wait, or any other awaitable, without a const that the awaiter puts before its
/// value.
template <class A>
using Awaited = std::remove_cv_t<decltype(awaiter_of(std::declval<A>()).await_resume())>;

/// Whether an A can be awaited: an object's wait, a Task, a TaskHandle, or a type that has an operator co_await.
template <class A>
concept Awaitable = requires(A awaitable) { awaiter_of(std::forward<A>(awaitable)).await_resume(); };

/// Whether an A has an operator co_await, so that something else than itself is its awaiter.
template <class A>
concept AwaitedByOther = Awaitable<A> && !std::is_reference_v<decltype(awaiter_of(std::declval<A>()))>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
