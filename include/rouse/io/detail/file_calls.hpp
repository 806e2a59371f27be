// read and write for descriptors other than stream sockets, without SIGPIPE and without blocking.
#pragma once

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <string_view>

#include <poll.h>
#include <unistd.h>

#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The result of a system call that moves bytes. `error` is 0 or an errno: EAGAIN if the descriptor was not ready.
struct Transfer {
    std::size_t bytes = 0;
    int error = 0;
};

/// The system calls that read and write a descriptor.
enum class Calls : std::uint8_t {
    of_socket,            ///< recv and send, with a flag for each call not to block
    of_file,              ///< read and write, which do not block, or not for long
    of_file_that_may_wait ///< poll before read and write, as the descriptor may be a blocking one
};

/// Prevents SIGPIPE from ending the program when it writes to a pipe without readers. write(2) has no flag for this,
/// and a library must not change the process's action for the signal, which child programs inherit. The signal is
/// raised for the writing thread, so that thread blocks it during the write, and removes it from its pending signals
/// afterwards.
class WithoutSigpipe {
public:
    WithoutSigpipe() noexcept {
        ::sigemptyset(&sigpipe_);
        ::sigaddset(&sigpipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    WithoutSigpipe(const WithoutSigpipe&) = delete;
    WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
    ~WithoutSigpipe() {
        const int saved = errno;
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = saved;
    }

    /// Removes the pending signal of a write that has failed. If the program had blocked SIGPIPE before, the signal
    /// stays: the program handles it itself, and an earlier pending one could not be told from this one.
    void take() const noexcept {
        if (::sigismember(&before_, SIGPIPE) == 1) return;
        const int saved = errno;
        const timespec at_once{};
        while (::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
        }
        errno = saved;
    }

private:
    sigset_t sigpipe_{};
    sigset_t before_{};
};

/// Whether a call would not block; if it would, errno is EAGAIN. Another process may take the bytes or the room before
/// the call.
inline bool ready_now(int descriptor, short direction) noexcept {
    pollfd look{descriptor, direction, 0};
    const int count = ::poll(&look, 1, 0);
    if (count == 0) errno = EAGAIN;
    return count > 0;
}

/// Whether it is either side of a terminal, also after the other side has closed it.
inline bool is_terminal(int descriptor) noexcept { return ::isatty(descriptor) == 1 || errno == EIO; }

/// Like read(2), but without blocking as far as `calls` can.
inline ssize_t read_file(int descriptor, std::span<char> into, Calls calls) noexcept {
    if (calls == Calls::of_file_that_may_wait && !ready_now(descriptor, POLLIN)) return -1;
    return ::read(descriptor, into.data(), into.size());
}

/// Like one write(2), but never raises SIGPIPE. A blocking pipe that is ready for output has room for PIPE_BUF bytes.
inline ssize_t write_file(int descriptor, std::string_view bytes, Calls calls) noexcept {
    std::size_t most = bytes.size();
    if (calls == Calls::of_file_that_may_wait) {
        if (!ready_now(descriptor, POLLOUT)) return -1;
        most = std::min<std::size_t>(most, PIPE_BUF);
    }
    const WithoutSigpipe guard;
    const ssize_t count = ::write(descriptor, bytes.data(), most);
    if (count < 0 && errno == EPIPE) guard.take();
    return count;
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
