// libsystem_calls.so: preloaded, it counts the calls of libc that an echo server makes its system calls by, for each
// thread. `strace -f -c` counts all of them, but slows a server down so much that it makes others.
#include <cstdarg>

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "system_calls.hpp"

namespace {

using bench::SystemCalls;

thread_local constinit SystemCalls calls{};

template <class... A>
long count(SystemCalls::Kind kind, long number, A... arguments) {
    static const auto real = reinterpret_cast<long (*)(long, ...)>(::dlsym(RTLD_NEXT, "syscall"));
    calls.counts[kind].fetch_add(1, std::memory_order_relaxed);
    return real(number, arguments...);
}

constexpr long bytes_of_signals = 8;

} // namespace

extern "C" {
SystemCalls* rouse_bench_system_calls() { return &calls; }

ssize_t recv(int descriptor, void* bytes, std::size_t size, int flags) {
    return count(SystemCalls::receive, SYS_recvfrom, descriptor, bytes, size, flags, nullptr, nullptr);
}
ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    return count(SystemCalls::receive, SYS_recvmsg, descriptor, message, flags);
}
ssize_t read(int descriptor, void* bytes, std::size_t size) {
    return count(SystemCalls::receive, SYS_read, descriptor, bytes, size);
}
ssize_t readv(int descriptor, const iovec* parts, int number) {
    return count(SystemCalls::receive, SYS_readv, descriptor, parts, number);
}
ssize_t send(int descriptor, const void* bytes, std::size_t size, int flags) {
    return count(SystemCalls::send, SYS_sendto, descriptor, bytes, size, flags, nullptr, 0L);
}
ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    return count(SystemCalls::send, SYS_sendmsg, descriptor, message, flags);
}
ssize_t write(int descriptor, const void* bytes, std::size_t size) {
    return count(SystemCalls::send, SYS_write, descriptor, bytes, size);
}
ssize_t writev(int descriptor, const iovec* parts, int number) {
    return count(SystemCalls::send, SYS_writev, descriptor, parts, number);
}
int epoll_pwait(int epoll, epoll_event* events, int most, int milliseconds, const sigset_t* mask) {
    return static_cast<int>(
        count(SystemCalls::wait, SYS_epoll_pwait, epoll, events, most, milliseconds, mask, bytes_of_signals));
}
int epoll_wait(int epoll, epoll_event* events, int most, int milliseconds) {
    return epoll_pwait(epoll, events, most, milliseconds, nullptr);
}
int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event) noexcept {
    return static_cast<int>(count(SystemCalls::epoll_ctl, SYS_epoll_ctl, epoll, operation, descriptor, event));
}
long syscall(long number, ...) noexcept {
    va_list list;
    va_start(list, number);
    std::array<long, 6> a;
    for (long& each : a) each = va_arg(list, long);
    va_end(list);
    const auto kind = number == SYS_epoll_pwait2 || number == SYS_io_uring_enter ? SystemCalls::wait
                      : number == SYS_write                                      ? SystemCalls::send
                                                                                 : SystemCalls::other;
    return count(kind, number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
}
