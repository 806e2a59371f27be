// CacheLinePadding: keeps members that different threads write on different cache lines.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Keeps the member before it and the member after it on different cache lines; empty on firmware. It is padding rather
/// than an alignment, because compilers align a local variable of a coroutine to no more than a pointer or two, and a
/// queue is often such a variable.
#if ROUSE_HOSTED
struct CacheLinePadding {
    std::byte unused[64] = {}; // initialised, so that an object that contains it can be constinit
};
#else
struct CacheLinePadding {};
#endif

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
