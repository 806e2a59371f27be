// own_descriptor: what every descriptor that the library makes passes through.
#pragma once

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Takes the result of a system call that has made a descriptor, and returns a descriptor of the same that is at least
/// 3. A program may be started with descriptors 0, 1 or 2 closed, and the system gives out the lowest free number:
/// messages on standard error would go into a socket then. Returns a negative result as it is. If there is no other
/// number, closes the descriptor and returns -1, with the reason in errno.
[[nodiscard]] inline int own_descriptor(int made) noexcept {
    if (made < 0 || made > STDERR_FILENO) [[likely]]
        return made;
    const int number = ::fcntl(made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int saved = number < 0 && errno == EINVAL ? EMFILE : errno; // EINVAL: not even 3 is allowed
    ::close(made);
    errno = saved;
    return number;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
