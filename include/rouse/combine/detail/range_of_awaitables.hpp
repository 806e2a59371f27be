// RangeOfAwaitables: what gather and select take in place of single arguments.
#pragma once

#include <iterator>
#include <type_traits>
#include <utility>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

template <class R>
concept RangeOfAwaitables = requires(R& range) {
    std::begin(range);
    std::end(range);
};

template <RangeOfAwaitables Range>
using ItemOf = std::remove_cvref_t<decltype(*std::begin(std::declval<Range&>()))>;

/// The type as which an item of the range is passed on. A handle is copied because the range may be a view; a Task is
/// moved.
template <RangeOfAwaitables Range>
using PassedItem =
    std::conditional_t<std::is_copy_constructible_v<ItemOf<Range>>, const ItemOf<Range>&, ItemOf<Range>&&>;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
