// read and write for descriptors that are no stream sockets: without a signal, and without a wait.
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

/// What a system call has moved. `error` is an errno: EAGAIN if the descriptor was not ready.
struct Transfer {
    std::size_t bytes = 0;
    int error = 0;
};

/// How a descriptor is read and written.
enum class Calls : std::uint8_t {
    of_socket,            ///< recv and send, which can be told for each call not to wait
    of_file,              ///< read and write: they do not wait, or not for long
    of_file_that_may_wait ///< poll before either, as the descriptor may be a blocking one
};

/// Keeps a write to a pipe that nobody reads from ending the program. write(2) cannot be told not to raise SIGPIPE, and
/// how the process takes that signal, which programs that it starts inherit, is not for a library to change. The
/// signal is raised for the thread that writes; so this thread blocks it meanwhile, and takes it out again.
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

    /// Takes out the signal of a write that has failed. Where it was blocked before, the program has its own way with
    /// it, and one that was pending cannot be told from ours: it stays.
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

/// Whether a call would not wait; errno is EAGAIN if it would. Another process may be faster, and take what was there.
inline bool ready_now(int descriptor, short direction) noexcept {
    pollfd look{descriptor, direction, 0};
    const int count = ::poll(&look, 1, 0);
    if (count == 0) errno = EAGAIN;
    return count > 0;
}

/// As read(2).
inline ssize_t read_file(int descriptor, std::span<char> into, Calls calls) noexcept {
    if (calls == Calls::of_file_that_may_wait && !ready_now(descriptor, POLLIN)) return -1;
    return ::read(descriptor, into.data(), into.size());
}

/// As write(2), once, but never raises SIGPIPE. A blocking pipe that is ready for output has room for PIPE_BUF bytes.
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
