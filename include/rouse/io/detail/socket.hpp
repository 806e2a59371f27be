// Socket: a watched descriptor with its system calls, usually of a socket.
//
// A direction is ready from a report of the port until a system call finds it exhausted; see DescriptorWatch. A recv
// that returns fewer bytes than asked for has drained the socket, which saves the call that would only return EAGAIN.
// This no longer holds after a hang-up: it was the last report, so what remains is found only by calling until the end.
// (Urgent data of TCP cut a recv short too: the bytes after them may wait for the next ones of the peer. Urgent data
// are not supported.)
//
// A file, which here includes pipes and terminals, is exhausted by EAGAIN only: a terminal returns one line at a time.
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

/// Owns a descriptor, watches it, and makes its system calls. For the thread of the loop that it was made on, whose
/// port must be able to watch descriptors.
///
/// It must be closed before that port is destroyed. A socket that a task holds is: a Loop destroys the frames of its
/// tasks, and a port outlives its loop. Closing a socket that was carried out of its loop, such as the result of run(),
/// panics.
class Socket : protected DescriptorWatch {
public:
    /// Takes over a descriptor, which for `Calls::of_socket` must be non-blocking. `error` is set to 0, or to an errno
    /// if the port cannot watch it; then the descriptor has not been taken over and the object must not be used. A file
    /// that cannot be watched (one on a disk, /dev/null) is always ready. UsageError if there is no loop, or its port
    /// cannot watch descriptors.
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
    using DescriptorWatch::owner;
    [[nodiscard]] bool is_open() const noexcept { return descriptor() >= 0; }

    /// Waits until there may be something to read: bytes, a connection, the end or an error; or until the socket is
    /// closed. Any number of tasks may wait; all are woken.
    [[nodiscard]] auto readable() noexcept { return input_slot().wait(); }

    /// Waits until there may be room to write, or an error; otherwise like readable().
    [[nodiscard]] auto writable() noexcept { return output_slot().wait(); }

    /// Reads into `into`, which must not be empty. No bytes and no error mean the end.
    Transfer receive(std::span<char> into) noexcept {
        if (calls_ != Calls::of_socket) [[unlikely]]
            return receive_from_file(into);
        const Transfer done =
            transfer(input_slot(), [&] { return ::recv(descriptor(), into.data(), into.size(), MSG_DONTWAIT); });
        if (done.error == 0 && done.bytes < into.size() && !hung_up()) exhausted(input_slot());
        return done;
    }

    /// Sends as many of `bytes` as there is room for.
    Transfer send(std::string_view bytes) noexcept {
        if (calls_ != Calls::of_socket) [[unlikely]]
            return send_to_file(bytes);
        constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
        const Transfer done =
            transfer(output_slot(), [&] { return ::send(descriptor(), bytes.data(), bytes.size(), flags); });
        if (done.error == 0 && done.bytes < bytes.size()) exhausted(output_slot());
        return done;
    }

    /// Takes the next connection from a listening socket, and sets `from` to its peer. Returns a non-blocking
    /// descriptor, or none, and errno has the reason; see also own_connection().
    [[nodiscard]] Descriptor accept(Address& from) noexcept {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        auto* const place = reinterpret_cast<sockaddr*>(&address);
        int accepted = -1;
        const Transfer done = transfer(input_slot(), [&] {
            accepted = ::accept4(descriptor(), place, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            return accepted < 0 ? -1 : 0;
        });
        errno = done.error;
        if (done.error != 0) return Descriptor{-1};
        from = Address{place, size};
        return own_connection(accepted);
    }

    /// The error that occurred outside of a system call, as in a connect in progress; 0 if there is none.
    [[nodiscard]] int pending_error() const noexcept {
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }

    /// Makes close() reset the connection: the peer's reads then fail after the bytes it has received, instead of
    /// reaching the end. Does nothing in a child of fork(), where the connection belongs to the parent.
    void make_close_a_reset() noexcept {
        if (!generation_.inherited()) reset_on_close(descriptor());
    }

    /// Closes the descriptor at once and wakes all waiting tasks. Does nothing the second time.
    void close() noexcept {
        if (!is_open()) return;
        ::close(remove());
        wake_both();
    }

protected:
    [[nodiscard]] bool is_socket() const noexcept { return calls_ == Calls::of_socket; }

    /// Makes one system call in a direction. `call` makes it and returns its count, or -1 and errno. EBADF if the
    /// socket is closed.
    template <class Call>
    Transfer transfer(WatchSlot& direction, Call call) noexcept {
        static_assert(EAGAIN == EWOULDBLOCK, "rouse: io: a platform with two codes for a call that would block");
        if (!is_open()) return {0, EBADF};
        for (;;) {
            const auto count = call();
            if (count >= 0) return {static_cast<std::size_t>(count), 0};
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return {0, errno};
            exhausted(direction);
            return {0, EAGAIN};
        }
    }

private:
    // The calls for files are not inlined, so that those for sockets are.
    [[gnu::noinline]] Transfer receive_from_file(std::span<char> into) noexcept {
        const Transfer done = transfer(input_slot(), [&] { return read_file(descriptor(), into, calls_); });
        return done.error == EIO && is_terminal(descriptor()) ? Transfer{} : done; // its other side has closed
    }

    // Writes until the file is full, as an edge-triggered port reports nothing before.
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
