// Pipes, standard input and standard output as streams.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/io/stream.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// An open file description of our own of a pipe or a terminal, so that it can be non-blocking and whoever else uses it
/// (a shell, the standard error of this program) does not notice. None if that cannot be had: there is no /proc, the
/// file is somebody else's, or a pipe has no reader. Nor for other files, where a second one would not be the same: the
/// other side of a terminal, a device.
inline Descriptor reopen(int descriptor, const struct stat& file, bool writes) {
    unsigned other_side = 0;
    const bool terminal = ::isatty(descriptor) == 1 && ::ioctl(descriptor, TIOCGPTN, &other_side) != 0;
    if (!S_ISFIFO(file.st_mode) && !terminal) return Descriptor{-1};
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    return Descriptor{::open(path.c_str(), (writes ? O_WRONLY : O_RDONLY) | flags)};
}

inline bool is_stream_socket(int descriptor) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/// A half of a stream by a descriptor that others may share; its flags are left as they are. With `own` it is closed,
/// except if this fails.
template <class Half>
[[nodiscard]] Reply<Half> open_pipe(PipeEnd end, bool own) {
    const std::string what = (end.writes ? "cannot write to " : "cannot read from ") + end.text();
    const int flags = ::fcntl(end.number, F_GETFL);
    struct stat file{};
    if (flags < 0 || ::fstat(end.number, &file) != 0) return failed<Half>(errno, what);
    if ((flags & O_ACCMODE) == (end.writes ? O_RDONLY : O_WRONLY)) {
        const char* const only = end.writes ? ", which is open for reading only" : ", which is open for writing only";
        return failed<Half>(EBADF, what + only);
    }

    // One that is non-blocking, and whose flags are the caller's alone, will do as it is.
    const bool never_waits = own && (flags & O_NONBLOCK) != 0;
    Calls calls = never_waits ? Calls::of_file : Calls::of_file_that_may_wait;
    if (is_stream_socket(end.number)) calls = Calls::of_socket;
    const bool wanted = calls == Calls::of_file_that_may_wait && (flags & O_NONBLOCK) == 0;
    Descriptor second = wanted ? reopen(end.number, file, end.writes) : Descriptor{-1};
    const bool reopened = static_cast<bool>(second);
    if (reopened) calls = Calls::of_file;
    Descriptor descriptor = reopened ? std::move(second) : Descriptor{::fcntl(end.number, F_DUPFD_CLOEXEC, 0)};
    if (!descriptor) return failed<Half>(errno, what);

    int error = 0;
    auto connection = std::make_shared<StreamConnection>(std::move(descriptor), end, calls, reopened, error);
    if (error != 0) return failed<Half>(error, what);
    if (own) ::close(end.number);
    return Half{std::move(connection)};
}

} // namespace detail

/// A stream of what comes in by a descriptor: a pipe, a FIFO, a terminal, a stream socket, any other that epoll can
/// watch. It takes the descriptor over, unless it throws, and closes it when the reader is destroyed.
///
/// A regular file and /dev/null, which are always ready, will do too. While the system fetches them from the disk the
/// loop stands still: for large files on slow disks there is Context.
///
/// Whether others that share the descriptor wait in their calls is not changed (O_NONBLOCK is one flag for all of
/// them): a pipe or terminal is opened a second time. Where that is not possible, each call is made only after a look
/// whether it would wait; then another process that takes the bytes in between stops this loop until there are more.
///
/// Throws std::system_error that names the descriptor: EBADF for one that is open for writing only.
[[nodiscard]] inline Reply<StreamReader> open_pipe_reader(int descriptor) {
    return detail::open_pipe<StreamReader>({descriptor, false}, true);
}

/// A stream that goes out by a descriptor, as open_pipe_reader. write_eof() closes it, but for a socket. That nobody
/// reads any more is found by the next write: drain() throws EPIPE. There is no SIGPIPE.
[[nodiscard]] inline Reply<StreamWriter> open_pipe_writer(int descriptor) {
    return detail::open_pipe<StreamWriter>({descriptor, true}, true);
}

/// Standard input, whatever it is: see open_pipe_reader. The descriptor 0 stays open. Of several readers each gets part
/// of the bytes; and what one has read ahead is lost with it.
[[nodiscard]] inline Reply<StreamReader> standard_input() {
    return detail::open_pipe<StreamReader>({STDIN_FILENO, false}, false);
}

/// Standard output, whatever it is: see open_pipe_writer. The descriptor 1 stays open, so a reader finds the end when
/// the program ends. Do not mix it with printf or std::cout unless these are flushed before. What is written is lost if
/// the program ends before it has gone out: close(), and wait_closed().
[[nodiscard]] inline Reply<StreamWriter> standard_output() {
    return detail::open_pipe<StreamWriter>({STDOUT_FILENO, true}, false);
}

/// Standard error, in the same way.
[[nodiscard]] inline Reply<StreamWriter> standard_error() {
    return detail::open_pipe<StreamWriter>({STDERR_FILENO, true}, false);
}

} // namespace ROUSE_ABI
} // namespace rouse
