// copyable<T>: whether a T can be copied, also where the standard trait is wrong.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Whether a T can be copied. A container claims it whatever its elements are: copying a
/// std::vector<std::unique_ptr<X>> is an error inside the library. So this looks at the elements, too, to a limited
/// depth, because a container may contain itself. A class of the user's with such a member is not recognised.
template <class T, int depth = 8>
inline constexpr bool copyable = std::is_copy_constructible_v<T>;

template <class T, int depth>
    requires requires {
        typename T::value_type;
        typename T::allocator_type;
    } && (depth > 0)
inline constexpr bool copyable<T, depth> =
    std::is_copy_constructible_v<T> && copyable<typename T::value_type, depth - 1>;

template <class T, class U, int depth>
    requires(depth > 0)
inline constexpr bool copyable<std::pair<T, U>, depth> = copyable<T, depth - 1> && copyable<U, depth - 1>;

template <class T, int depth>
    requires(depth > 0)
inline constexpr bool copyable<std::optional<T>, depth> = copyable<T, depth - 1>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
