// take_some: takes several items, one of which may throw.
#pragma once

#include <cstddef>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Calls take(), which counts in `taken` what it takes. If it throws, the exception counts only if nothing was taken:
/// else the caller would not learn what it has.
template <bool can_throw, class F>
void take_some([[maybe_unused]] const std::size_t& taken, F take) {
#if ROUSE_EXCEPTIONS
    if constexpr (can_throw) {
        try {
            take();
        } catch (...) {
            if (taken == 0) throw;
        }
        return;
    }
#endif
    take();
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
