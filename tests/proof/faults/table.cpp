// Which call can fail in which way, and what has to follow. The errors are those of the manual pages, as far as they
// can happen to a call that is right.
#include <cerrno>

#include <netdb.h>

#include "shim.hpp"

namespace faults {

constexpr const char* connection = "rouse: connection with 127.0.0.1 port ";
constexpr const char* connecting = "rouse: cannot connect to 127.0.0.1 port ";
constexpr const char* listening = "rouse: cannot listen on 127.0.0.1 port ";
constexpr const char* resolving = "rouse: cannot resolve 127.0.0.1: ";
constexpr const char* client_or_server = "rouse: cannot ";
constexpr const char* epoll = "rouse: EpollPort: epoll_create1: ";
constexpr const char* eventfd = "rouse: EpollPort: eventfd: ";

constexpr Fault faults[] = {
    {Call::accept4, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::accept4, "EAGAIN", Way::not_ready, EAGAIN, Then::unnoticed},
    {Call::accept4, "ECONNABORTED", Way::fails, ECONNABORTED, Then::unnoticed},
    {Call::accept4, "EMFILE", Way::fails, EMFILE, Then::unnoticed, "", true}, // it tries again
    {Call::accept4, "ENFILE", Way::fails, ENFILE, Then::unnoticed},
    {Call::accept4, "ENOBUFS", Way::fails, ENOBUFS, Then::unnoticed},
    {Call::accept4, "ENOMEM", Way::fails, ENOMEM, Then::unnoticed, "", true},
    {Call::accept4, "EPROTO", Way::fails, EPROTO, Then::unnoticed},
    {Call::bind, "EADDRINUSE", Way::fails, EADDRINUSE, Then::unnoticed}, // any other port will do
    {Call::bind, "EACCES", Way::fails, EACCES, Then::told, listening},
    {Call::bind, "ENOMEM", Way::fails, ENOMEM, Then::told, listening},
    {Call::close, "EINTR", Way::done_first, EINTR, Then::unnoticed},
    {Call::close, "EIO", Way::done_first, EIO, Then::unnoticed},
    {Call::connect, "EINTR", Way::done_first, EINTR, Then::unnoticed},
    {Call::connect, "ECONNREFUSED", Way::fails, ECONNREFUSED, Then::told, connecting},
    {Call::connect, "ENETUNREACH", Way::fails, ENETUNREACH, Then::told, connecting},
    {Call::connect, "EADDRNOTAVAIL", Way::fails, EADDRNOTAVAIL, Then::told, connecting},
    {Call::epoll_create1, "EMFILE", Way::fails, EMFILE, Then::told, epoll},
    {Call::epoll_create1, "ENFILE", Way::fails, ENFILE, Then::told, epoll},
    {Call::epoll_create1, "ENOMEM", Way::fails, ENOMEM, Then::told, epoll},
    {Call::epoll_ctl, "ENOMEM", Way::fails, ENOMEM, Then::told_or_reset, "rouse: "},
    {Call::epoll_ctl, "ENOSPC", Way::fails, ENOSPC, Then::told_or_reset, "rouse: "},
    {Call::epoll_pwait2, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::epoll_pwait2, "early", Way::nothing, 0, Then::unnoticed},
    {Call::epoll_pwait2, "one event", Way::one_event, 0, Then::unnoticed},
    {Call::epoll_pwait2, "ENOSYS", Way::fails, ENOSYS, Then::unnoticed},
    {Call::epoll_pwait2, "EPERM", Way::fails, EPERM, Then::unnoticed},
    {Call::epoll_wait, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::epoll_wait, "early", Way::nothing, 0, Then::unnoticed},
    {Call::epoll_wait, "one event", Way::one_event, 0, Then::unnoticed},
    {Call::eventfd, "EMFILE", Way::fails, EMFILE, Then::told, eventfd},
    {Call::eventfd, "ENFILE", Way::fails, ENFILE, Then::told, eventfd},
    {Call::eventfd, "ENOMEM", Way::fails, ENOMEM, Then::told, eventfd},
    {Call::futex_wait, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::futex_wait, "EAGAIN", Way::fails, EAGAIN, Then::unnoticed},
    {Call::futex_wait, "early", Way::nothing, 0, Then::unnoticed},
    {Call::getaddrinfo, "EAI_MEMORY", Way::fails, EAI_MEMORY, Then::told, resolving},
    {Call::getaddrinfo, "EAI_AGAIN", Way::fails, EAI_AGAIN, Then::told, resolving},
    {Call::getaddrinfo, "EAI_SYSTEM", Way::fails, EAI_SYSTEM, Then::told, resolving}, // with EMFILE
    {Call::getnameinfo, "EAI_MEMORY", Way::fails, EAI_MEMORY, Then::unnoticed},
    {Call::getsockname, "ENOBUFS", Way::fails, ENOBUFS, Then::either}, // unnoticed where it is only for a name
    {Call::getsockopt, "ENOBUFS", Way::fails, ENOBUFS, Then::told, connecting},
    {Call::getsockopt, "ETIMEDOUT", Way::so_error, ETIMEDOUT, Then::told, connecting},
    {Call::listen, "EADDRINUSE", Way::fails, EADDRINUSE, Then::unnoticed},
    {Call::listen, "ENOBUFS", Way::fails, ENOBUFS, Then::told, listening},
    {Call::membarrier, "ENOMEM", Way::fails, ENOMEM, Then::unnoticed},
    {Call::read, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::read, "EAGAIN", Way::fails, EAGAIN, Then::unnoticed},
    {Call::recv, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::recv, "EAGAIN", Way::not_ready, EAGAIN, Then::unnoticed},
    {Call::recv, "short", Way::shortened, 0, Then::unnoticed},
    {Call::recv, "ECONNRESET", Way::fails, ECONNRESET, Then::told, connection},
    {Call::recv, "ETIMEDOUT", Way::fails, ETIMEDOUT, Then::told, connection},
    {Call::recv, "ENOMEM", Way::fails, ENOMEM, Then::told, connection},
    {Call::send, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::send, "EAGAIN", Way::not_ready, EAGAIN, Then::unnoticed},
    {Call::send, "short", Way::shortened, 0, Then::unnoticed},
    {Call::send, "EPIPE", Way::fails, EPIPE, Then::told_or_reset, connection},
    {Call::send, "ECONNRESET", Way::fails, ECONNRESET, Then::told_or_reset, connection},
    {Call::send, "ENOBUFS", Way::fails, ENOBUFS, Then::told_or_reset, connection},
    {Call::send, "ENOMEM", Way::fails, ENOMEM, Then::told_or_reset, connection},
    {Call::setsockopt, "ENOBUFS", Way::fails, ENOBUFS, Then::unnoticed},
    {Call::setsockopt, "ENOMEM", Way::fails, ENOMEM, Then::unnoticed},
    {Call::socket, "EMFILE", Way::fails, EMFILE, Then::told, client_or_server},
    {Call::socket, "ENFILE", Way::fails, ENFILE, Then::told, client_or_server},
    {Call::socket, "ENOBUFS", Way::fails, ENOBUFS, Then::told, client_or_server},
    {Call::socket, "ENOMEM", Way::fails, ENOMEM, Then::told, client_or_server},
    {Call::wake, "EINTR", Way::fails, EINTR, Then::unnoticed},
    {Call::frame, "no memory", Way::fails, ENOMEM, Then::either, "", true},
    {Call::allocation, "no memory", Way::fails, ENOMEM, Then::either, "", true},
};

std::span<const Fault> all_faults() noexcept { return faults; }

const char* name_of(Call call) noexcept {
    constexpr const char* names[] = {"accept4",     "bind",         "close",       "connect",    "epoll_create1",
                                     "epoll_ctl",   "epoll_pwait2", "epoll_wait",  "eventfd",    "futex_wait",
                                     "getaddrinfo", "getnameinfo",  "getsockname", "getsockopt", "listen",
                                     "membarrier",  "read",         "recv",        "send",       "setsockopt",
                                     "socket",      "wake",         "frame",       "allocation"};
    static_assert(std::size(names) == static_cast<std::size_t>(Call::count));
    return names[static_cast<std::size_t>(call)];
}

} // namespace faults
