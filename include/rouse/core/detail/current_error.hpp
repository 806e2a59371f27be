// current_error: the exception that a catch (...) has caught and keeps.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_EXCEPTIONS
#include <exception>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The exception that is being handled. Panics if it is not of C++: the end of a thread also unwinds its stack, must
/// not be stopped by a catch (...), and could not be passed on to the task that waits.
[[nodiscard]] inline std::exception_ptr current_error() noexcept {
    std::exception_ptr error = std::current_exception();
    if (error == nullptr) [[unlikely]] {
        ROUSE_PANIC(
            "rouse: pthread_exit() or pthread_cancel() ended the thread inside a task, or inside a function of "
            "Context::assign or unblock; return instead, and end the thread of a loop after run() has returned");
    }
    return error;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
#endif
