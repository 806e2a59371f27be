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

#include <rouse/io/detail/wrap.hpp>
#include <rouse/io/stream.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// Opens a pipe or a terminal a second time, to get an open file description that can be made non-blocking without
/// affecting other users of the first (a shell, the standard error of this program). Returns no descriptor if this is
/// not possible: there is no /proc, the file belongs to another user, or a pipe has no reader. Nor for other files,
/// where a second description would not be equivalent: the other side of a terminal, a device.
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

/// Makes one half of a stream from a descriptor that others may share, without changing its flags. With `own` it takes
/// over the descriptor, unless it fails.
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

    // A non-blocking descriptor whose flags are the caller's alone can be used as it is.
    const bool never_waits = own && (flags & O_NONBLOCK) != 0;
    Calls calls = never_waits ? Calls::of_file : Calls::of_file_that_may_wait;
    if (is_stream_socket(end.number)) calls = Calls::of_socket;
    const bool wanted = calls == Calls::of_file_that_may_wait && (flags & O_NONBLOCK) == 0;
    Descriptor second = wanted ? reopen(end.number, file, end.writes) : Descriptor{-1};
    const bool reopened = static_cast<bool>(second);
    if (reopened) calls = Calls::of_file;
    Descriptor descriptor =
        reopened ? std::move(second) : Descriptor{::fcntl(end.number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!descriptor) return failed<Half>(errno, what);

    int error = 0;
    auto connection = std::make_shared<StreamConnection>(std::move(descriptor), end, calls, reopened, error);
    if (error != 0) return failed<Half>(error, what);
    if (own) ::close(end.number);
    return wrap<Half>(std::move(connection));
}

} // namespace detail

/// Makes a stream that reads from a descriptor: a pipe, a FIFO, a terminal, a stream socket, or any other that the
/// loop's port can watch. Takes over the descriptor, unless it throws; destroying the reader closes it.
///
/// In a task, or between the turns of a Loop.
///
/// When the other side of a pseudo-terminal has closed, that is the end, though read(2) reports it as EIO.
///
/// A regular file and /dev/null, which are always ready, can be used too. Reading a file from the disk blocks the loop:
/// for large files on slow disks use Context.
///
/// It does not change whether others that share the descriptor block in their calls (O_NONBLOCK is one flag for all of
/// them): it opens a pipe or terminal a second time. Where this is not possible, it checks before each call whether the
/// call would block; if another process takes the bytes between check and call, the loop blocks until more arrive.
///
/// Throws std::system_error that names the descriptor: EBADF if it is open for writing only.
[[nodiscard]] inline Reply<StreamReader> open_pipe_reader(int descriptor) {
    return detail::open_pipe<StreamReader>({descriptor, false}, true);
}

/// Makes a stream that writes to a descriptor; otherwise like open_pipe_reader(). write_eof() closes it, unless it is a
/// socket. If the pipe has no reader any more, the next write fails: drain() throws EPIPE. There is no SIGPIPE.
[[nodiscard]] inline Reply<StreamWriter> open_pipe_writer(int descriptor) {
    return detail::open_pipe<StreamWriter>({descriptor, true}, true);
}

/// Makes a stream that reads standard input, whatever it is; see open_pipe_reader(). Descriptor 0 stays open. If there
/// are several readers, each gets a part of the bytes, and bytes that one has read ahead are lost with it.
[[nodiscard]] inline Reply<StreamReader> standard_input() {
    return detail::open_pipe<StreamReader>({STDIN_FILENO, false}, false);
}

/// Makes a stream that writes to standard output, whatever it is; see open_pipe_writer(). Descriptor 1 stays open, so a
/// reader finds the end when the program ends. Flush printf and std::cout before you write. Bytes that have not been
/// sent when the program ends are lost: call close() and wait_closed() before.
[[nodiscard]] inline Reply<StreamWriter> standard_output() {
    return detail::open_pipe<StreamWriter>({STDOUT_FILENO, true}, false);
}

/// Makes a stream that writes to standard error, like standard_output().
[[nodiscard]] inline Reply<StreamWriter> standard_error() {
    return detail::open_pipe<StreamWriter>({STDERR_FILENO, true}, false);
}

} // namespace ROUSE_ABI
} // namespace rouse
