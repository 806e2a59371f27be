// wake_failed: the end of a program in which a context can no longer be woken.
#pragma once

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Panics: continuing would hang, as the wake is lost. From any context, a signal handler included; there is nothing
/// that a report could still harm. Out of line, so that the check of what a signal handler can reach can stop here.
[[noreturn, gnu::noinline, gnu::cold]] inline void wake_failed(const char* message) noexcept {
    ROUSE_PANIC(message);
    for (;;) {
    }
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
