// The alignment of coroutine frames, and which objects it suffices for.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The alignment of every coroutine frame. Compilers lay out a frame as if it had the alignment that its objects need,
/// but do not pass that to the allocation function.
inline constexpr std::size_t frame_alignment = ROUSE_HOSTED ? 16 : 8;

/// Whether an object of type T is aligned in a coroutine frame. References always are.
template <class T>
inline constexpr bool aligned_in_frame = alignof(T) <= frame_alignment;
template <class T>
inline constexpr bool aligned_in_frame<T&> = true;
template <class T>
inline constexpr bool aligned_in_frame<T&&> = true;

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
