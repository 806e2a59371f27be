// CacheLinePadding: keeps what different threads write apart.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Keeps the member before it and the one behind it out of one cache line. A gap, not an alignment, because compilers
/// do not align a coroutine's locals to more than a pointer or two, and a queue is often one.
#if ROUSE_HOSTED
struct CacheLinePadding {
    std::byte unused[64] = {}; // so that what contains it can be constinit
};
#else
struct CacheLinePadding {};
#endif

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
