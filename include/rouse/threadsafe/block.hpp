// block: the tag of the calls that may put their thread to sleep.
#pragma once

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

struct block_t {};                ///< The type of `block`.
inline constexpr block_t block{}; ///< Tag that allows a call to block its thread: `queue.get_sync(block)`.

} // namespace ROUSE_ABI
} // namespace rouse
