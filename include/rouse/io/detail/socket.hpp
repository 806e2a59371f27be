// Socket: a descriptor that knows whether it is readable and writable, mostly of a socket.
//
// It is registered with epoll once, edge-triggered, and never touched by epoll_ctl again until it is closed. So it has
// to remember what it was told: a direction is ready from an edge on until a system call has found it exhausted. A recv
// that gives less than it was asked for has drained the socket, so the one that would only say EAGAIN is saved. A
// hang-up ends that: it was the last edge, and what it announces is found only by calling on to the end. (TCP's urgent
// data break a recv short, too: what is behind them may wait for the peer's next bytes. Nobody should use them.)
//
// A file, which is what a pipe or a terminal is here, is exhausted by EAGAIN only: a terminal gives one line at a time.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include <rouse/io/address.hpp>
#include <rouse/io/detail/descriptor.hpp>
#include <rouse/io/detail/descriptor_watch.hpp>
#include <rouse/io/detail/file_calls.hpp>
#include <rouse/ports/default_port.hpp> // so that run() works with any header of io/ alone
#include <rouse/ports/detail/fork_generation.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Owns a descriptor. For the thread of the loop that it was made on, whose port must be an EpollPort.
///
/// It must be closed before that port is destroyed. What tasks hold is: a Loop destroys their frames, and a port
/// outlives its loop. A socket that was carried out of its loop, say as the result of run(), is not; closing it panics.
class Socket : protected DescriptorWatch {
public:
    /// Takes over a descriptor, a non-blocking one for `Calls::of_socket`. If epoll does not take it, `error` is set to
    /// an errno, and the object is good for nothing; else to 0. A file that epoll has no use for (one on a disk,
    /// /dev/null) is always ready. UsageError if there is no loop on an EpollPort.
    Socket(Descriptor&& descriptor, int& error, Calls calls = Calls::of_socket) : calls_{calls} {
        error = arm(descriptor.number());
        if (error == 0) {
            static_cast<void>(descriptor.release());
        } else if (error == EPERM && calls != Calls::of_socket) {
            error = 0;
            calls_ = Calls::of_file;
            use_unwatched(descriptor.release());
        }
    }

    virtual ~Socket() { close(); }

    using DescriptorWatch::descriptor;
    [[nodiscard]] bool is_open() const noexcept { return descriptor() >= 0; }

    /// Waits until there may be something to read: bytes, a connection, the end, an error; or the socket is closed.
    /// Any number of tasks may wait; all are woken.
    [[nodiscard]] auto readable() noexcept { return input_slot().wait(); }

    /// The same for writing.
    [[nodiscard]] auto writable() noexcept { return output_slot().wait(); }

    /// Reads into `into`, which must not be empty. No bytes and no error: the end.
    Transfer receive(std::span<char> into) noexcept {
        if (calls_ != Calls::of_socket) [[unlikely]]
            return receive_from_file(into);
        const Transfer done =
            transfer(input_slot(), [&] { return ::recv(descriptor(), into.data(), into.size(), MSG_DONTWAIT); });
        if (done.error == 0 && done.bytes < into.size() && !hung_up()) exhausted(input_slot());
        return done;
    }

    /// Sends as much of `bytes` as there is room for.
    Transfer send(std::string_view bytes) noexcept {
        if (calls_ != Calls::of_socket) [[unlikely]]
            return send_to_file(bytes);
        constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
        const Transfer done =
            transfer(output_slot(), [&] { return ::send(descriptor(), bytes.data(), bytes.size(), flags); });
        if (done.error == 0 && done.bytes < bytes.size()) exhausted(output_slot());
        return done;
    }

    /// Takes the next connection from a listening socket, and says where it comes from. Returns a non-blocking
    /// descriptor, or an errno, negative.
    [[nodiscard]] int accept(Address& from) noexcept {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        auto* const place = reinterpret_cast<sockaddr*>(&address);
        int accepted = -1;
        const Transfer done = transfer(input_slot(), [&] {
            accepted = ::accept4(descriptor(), place, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            return accepted < 0 ? -1 : 0;
        });
        if (done.error != 0) return -done.error;
        from = Address{place, size};
        return accepted;
    }

    /// The error that the socket has come to without a system call of ours, as a connect does; 0 if none.
    [[nodiscard]] int pending_error() const noexcept {
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }

    /// Makes close() a reset: the peer's reads then fail behind what it has got, instead of finding the end. Not in a
    /// child of fork, where the connection is the parent's.
    void make_close_a_reset() noexcept {
        if (!generation_.inherited()) reset_on_close(descriptor());
    }

    /// Closes at once, and wakes those who wait. Does nothing the second time.
    void close() noexcept {
        if (!is_open()) return;
        ::close(remove());
        wake_both();
    }

protected:
    [[nodiscard]] bool is_socket() const noexcept { return calls_ == Calls::of_socket; }

    /// One system call in a direction; `call` does it, and returns its count, or -1 and errno. EBADF if it is closed.
    template <class Call>
    Transfer transfer(WatchSlot& direction, Call call) noexcept {
        if (!is_open()) return {0, EBADF};
        for (;;) {
            const auto count = call();
            if (count >= 0) return {static_cast<std::size_t>(count), 0};
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return {0, errno};
            exhausted(direction);
            return {0, EAGAIN};
        }
    }

private:
    // Those of files are not inlined, so that those of sockets are.
    [[gnu::noinline]] Transfer receive_from_file(std::span<char> into) noexcept {
        return transfer(input_slot(), [&] { return read_file(descriptor(), into, calls_); });
    }

    // Until it is full, as no edge comes before that.
    [[gnu::noinline]] Transfer send_to_file(std::string_view bytes) noexcept {
        Transfer all;
        while (all.error == 0 && all.bytes < bytes.size()) {
            const std::string_view rest = bytes.substr(all.bytes);
            const Transfer done = transfer(output_slot(), [&] { return write_file(descriptor(), rest, calls_); });
            all.bytes += done.bytes;
            all.error = done.error;
        }
        return all;
    }

    ForkGeneration generation_;
    Calls calls_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
