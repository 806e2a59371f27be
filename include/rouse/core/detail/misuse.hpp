// misuse: how the library reports that it was used wrongly.
#pragma once

#include <rouse/core/error.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Reports `message` at once and throws it as a UsageError; where exceptions are off, calls ROUSE_PANIC. `message` is a
/// string literal of the form "rouse: Object::function: the rule that was broken; what to do instead".
[[noreturn]] inline void misuse(const char* message) {
#if ROUSE_EXCEPTIONS
    ROUSE_REPORT(message);
    throw UsageError{message};
#else
    ROUSE_PANIC(message);
    for (;;) {
    }
#endif
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
