// The calls of the scenario to the system, see shim.hpp. `__real_f` is the system's f.
#include "shim.hpp"

#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ledger.hpp"

extern "C" {
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_bind(int, const sockaddr*, socklen_t);
int __real_close(int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, epoll_event*);
int __real_epoll_wait(int, epoll_event*, int, int);
int __real_eventfd(unsigned, int);
int __real_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**);
void __real_freeaddrinfo(addrinfo*);
int __real_getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);
int __real_getsockname(int, sockaddr*, socklen_t*);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_listen(int, int);
ssize_t __real_read(int, void*, std::size_t);
ssize_t __real_recv(int, void*, std::size_t, int);
ssize_t __real_send(int, const void*, std::size_t, int);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_socket(int, int, int);
long __real_syscall(long, ...);
}

namespace faults {

namespace {

// How each descriptor that is watched was added, so that it can be made ready anew.
struct Watched {
    int epoll = -1;
    epoll_event event{};
};
Watched watched[1024];

// The kernel tells the state of a descriptor whose watch is changed, as if it had just come to it.
void new_edge(int descriptor) noexcept {
    Watched& watch = watched[descriptor];
    if (watch.epoll >= 0) __real_epoll_ctl(watch.epoll, EPOLL_CTL_MOD, descriptor, &watch.event);
}

// A call that can only do its work or fail.
template <class Real>
int whole(Call call, Real real) noexcept {
    const Fault* const fault = next(call);
    if (fault == nullptr) return real();
    if (fault->way == Way::done_first) real();
    errno = fault->error;
    return -1;
}

// A call that moves bytes, or takes a connection, from or to a socket.
template <class Real>
ssize_t moving(Call call, int descriptor, std::size_t size, Real real) noexcept {
    const Fault* const fault = next(call);
    if (fault == nullptr) return real(size);
    ssize_t result = -1;
    if (fault->way == Way::shortened) result = real(size < 1 ? size : 1);
    if (fault->way == Way::shortened || fault->way == Way::not_ready) new_edge(descriptor);
    if (fault->way != Way::shortened) errno = fault->error;
    return result;
}

// A wait of epoll.
template <class Real>
long waiting(Call call, int most, Real real) noexcept {
    const Fault* const fault = next(call);
    if (fault == nullptr) return real(most);
    if (fault->way == Way::one_event) return real(1);
    if (fault->way == Way::nothing) return 0;
    errno = fault->error;
    return -1;
}

} // namespace

extern "C" {

int __wrap_accept4(int descriptor, sockaddr* address, socklen_t* size, int flags) {
    return static_cast<int>(moving(Call::accept4, descriptor, 0, [&](std::size_t) -> ssize_t {
        return __real_accept4(descriptor, address, size, flags);
    }));
}
int __wrap_bind(int descriptor, const sockaddr* address, socklen_t size) {
    return whole(Call::bind, [&] { return __real_bind(descriptor, address, size); });
}
int __wrap_close(int descriptor) {
    return whole(Call::close, [&] {
        const int result = __real_close(descriptor);
        if (result != 0 && errno == EBADF) note_bad_close();
        return result;
    });
}
int __wrap_connect(int descriptor, const sockaddr* address, socklen_t size) {
    return whole(Call::connect, [&] { return __real_connect(descriptor, address, size); });
}
int __wrap_epoll_create1(int flags) {
    return whole(Call::epoll_create1, [&] { return __real_epoll_create1(flags); });
}
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) {
    if (operation != EPOLL_CTL_ADD) {
        watched[descriptor].epoll = -1;
        return __real_epoll_ctl(epoll, operation, descriptor, event);
    }
    const int result = whole(Call::epoll_ctl, [&] { return __real_epoll_ctl(epoll, operation, descriptor, event); });
    watched[descriptor] = Watched{result == 0 ? epoll : -1, *event};
    return result;
}
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    return static_cast<int>(
        waiting(Call::epoll_wait, most, [&](int limit) { return __real_epoll_wait(epoll, events, limit, timeout); }));
}
int __wrap_eventfd(unsigned value, int flags) {
    return whole(Call::eventfd, [&] { return __real_eventfd(value, flags); });
}
int __wrap_getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
    if (const Fault* const fault = next(Call::getaddrinfo)) {
        errno = EMFILE; // that is what EAI_SYSTEM refers to
        return fault->error;
    }
    const int result = __real_getaddrinfo(node, service, hints, found);
    if (result == 0) note_allocation(1);
    return result;
}
void __wrap_freeaddrinfo(addrinfo* list) {
    note_allocation(-1);
    __real_freeaddrinfo(list);
}
int __wrap_getnameinfo(const sockaddr* address, socklen_t size, char* host, socklen_t host_size, char* service,
                       socklen_t service_size, int flags) {
    if (const Fault* const fault = next(Call::getnameinfo)) return fault->error;
    return __real_getnameinfo(address, size, host, host_size, service, service_size, flags);
}
int __wrap_getsockname(int descriptor, sockaddr* address, socklen_t* size) {
    return whole(Call::getsockname, [&] { return __real_getsockname(descriptor, address, size); });
}
int __wrap_getsockopt(int descriptor, int level, int option, void* value, socklen_t* size) {
    const Fault* const fault = next(Call::getsockopt);
    if (fault == nullptr) return __real_getsockopt(descriptor, level, option, value, size);
    if (fault->way == Way::so_error) {
        *static_cast<int*>(value) = fault->error;
        return 0;
    }
    errno = fault->error;
    return -1;
}
int __wrap_listen(int descriptor, int backlog) {
    return whole(Call::listen, [&] { return __real_listen(descriptor, backlog); });
}
ssize_t __wrap_read(int descriptor, void* into, std::size_t size) {
    return moving(Call::read, descriptor, size, [&](std::size_t most) { return __real_read(descriptor, into, most); });
}
ssize_t __wrap_recv(int descriptor, void* into, std::size_t size, int flags) {
    return moving(Call::recv, descriptor, size,
                  [&](std::size_t most) { return __real_recv(descriptor, into, most, flags); });
}
ssize_t __wrap_send(int descriptor, const void* from, std::size_t size, int flags) {
    return moving(Call::send, descriptor, size,
                  [&](std::size_t most) { return __real_send(descriptor, from, most, flags); });
}
int __wrap_setsockopt(int descriptor, int level, int option, const void* value, socklen_t size) {
    return whole(Call::setsockopt, [&] { return __real_setsockopt(descriptor, level, option, value, size); });
}
int __wrap_socket(int family, int type, int protocol) {
    return whole(Call::socket, [&] { return __real_socket(family, type, protocol); });
}

// Takes six arguments, of which there may be fewer: not for AddressSanitizer.
[[gnu::no_sanitize("address")]] long __wrap_syscall(long number, ...) {
    long a[6];
    va_list list;
    va_start(list, number);
    for (long& each : a) each = va_arg(list, long);
    va_end(list);
    const auto real = [&] { return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]); };
    const auto real_int = [&] { return static_cast<int>(real()); };
    switch (number) {
    case SYS_epoll_pwait2:
        if (without_pwait2()) {
            errno = ENOSYS;
            return -1;
        }
        return waiting(Call::epoll_pwait2, static_cast<int>(a[2]), [&](int most) {
            a[2] = most;
            return real();
        });
    case SYS_write: return whole(Call::wake, real_int);
    case SYS_futex:
        if ((a[1] & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET) return real();
        return waiting(Call::futex_wait, 0, [&](int) { return real(); });
    case SYS_membarrier: {
        static const bool refused = std::getenv("FAULTS_NO_MEMBARRIER") != nullptr;
        if (refused) errno = ENOSYS;
        if (refused) return -1;
        return a[0] == MEMBARRIER_CMD_PRIVATE_EXPEDITED ? whole(Call::membarrier, real_int) : real();
    }
    default: return real();
    }
}

} // extern "C"

} // namespace faults
