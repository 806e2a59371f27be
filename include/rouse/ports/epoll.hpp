// EpollPort: the port for Linux. Sleeps in epoll with nanosecond deadlines where the kernel has them, is woken
// through an eventfd, and tells watches when their descriptors become ready.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/sanitizers.hpp>
#include <rouse/core/port.hpp>
#include <rouse/ports/detail/fork_generation.hpp>
#include <rouse/ports/detail/io_port.hpp>

#if ROUSE_EXCEPTIONS
#include <system_error>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// The port of one loop, on the thread that made it; wake() may be called from any context.
///
/// fork(): a port, the loop on it, and the objects in which its tasks wait are the parent's and stay so. The child has
/// copies of them that share the parent's epoll instance and eventfd. It makes a port and a loop of its own, which owe
/// nothing to the old ones. Of the copies it may
/// - ignore them, and exec or _exit;
/// - set them, and put to them, as a signal handler may still do: that reaches no one, and not the parent;
/// - destroy them (sockets, loop, port): their descriptors are closed in the child only.
/// To run an inherited loop is a panic, and to watch a descriptor on it a UsageError, as it would take the parent's
/// events. A child that is forked inside of a task is still inside of it, so it cannot run another loop on this thread,
/// but it can on a new one.
class EpollPort final : public detail::IoPort {
public:
    /// Throws std::system_error if the process has no descriptors left, naming what it could not make.
    EpollPort() {
        if (const int error = detail::ForkGeneration::count_forks()) {
            errno = error;
            fail("rouse: EpollPort: pthread_atfork");
        }
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) fail("rouse: EpollPort: epoll_create1");
        wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_ < 0) {
            close_keeping_errno(epoll_);
            fail("rouse: EpollPort: eventfd");
        }
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = nullptr;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
            close_keeping_errno(wake_);
            close_keeping_errno(epoll_);
            fail("rouse: EpollPort: epoll_ctl");
        }
    }

    ~EpollPort() {
        ::close(wake_);
        ::close(epoll_);
    }

    [[nodiscard]] TimePoint now() const noexcept override {
        timespec time{};
        ::clock_gettime(CLOCK_MONOTONIC, &time);
        return TimePoint{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
    }

    unsigned wait_until(TimePoint deadline) noexcept override {
        if (generation_.inherited()) [[unlikely]]
            return wait_in_child(deadline);
        // Only a look, and nobody to look for: the inbox tells of everything else.
        if (deadline == at_once && watches_ == 0) return 0;
        const int count = wait(deadline);
        unsigned wakes = 0;
        for (batch_next_ = 0, batch_size_ = count; batch_next_ < batch_size_;) {
            const epoll_event& event = events_[batch_next_++];
            if (event.data.ptr != nullptr) {
                static_cast<detail::Watch*>(event.data.ptr)->on_ready(readiness(event.events));
            } else if (event.events != 0) {
                wakes = take_wakes();
            }
        }
        batch_size_ = 0;
        return wakes;
    }

    // Through syscall(), because write() is a cancellation point, and a thread that is cancelled inside of a noexcept
    // set() would end the program.
    void wake() noexcept override {
        if (generation_.inherited()) [[unlikely]]
            return; // the descriptor is the parent's, who is not owed this wake
        const int saved = errno;
        const std::uint64_t one = 1;
        const int descriptor = wake_;
        detail::tsan_release(&wake_);
        // After a write that has failed the wake is still owed, and the port still there; after one that has not, it
        // may be gone.
        while (::syscall(SYS_write, descriptor, &one, sizeof one) < 0 && errno == EINTR) {
        }
        errno = saved;
    }

    [[nodiscard]] int native_handle() const noexcept override { return epoll_; }

    /// For io/, see IoPort. UsageError in a child of fork().
    [[nodiscard]] int arm(int descriptor, detail::Watch& watch) override {
        if (generation_.inherited())
            detail::misuse("rouse: EpollPort: a descriptor cannot be watched on a loop that was inherited over fork()");
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.ptr = &watch;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return errno;
        ++watches_;
        return 0;
    }

    /// For io/. Does nothing: edge-triggered, epoll reports each arrival.
    void rearm(int, detail::Watch&, detail::Readiness) noexcept override {}

    /// For io/.
    void remove(int descriptor, detail::Watch& watch) noexcept override {
        epoll_event unused{};
        if (!generation_.inherited()) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &unused);
        --watches_;
        for (int i = batch_next_; i < batch_size_; ++i) {
            if (events_[i].data.ptr == &watch) events_[i] = {};
        }
    }

private:
    [[noreturn]] static void fail(const char* what) {
#if ROUSE_EXCEPTIONS
        throw std::system_error{errno, std::system_category(), what};
#else
        ROUSE_PANIC(what);
        for (;;) {
        }
#endif
    }

    static void close_keeping_errno(int descriptor) noexcept {
        const int saved = errno;
        ::close(descriptor);
        errno = saved;
    }

    static constexpr detail::Readiness readiness(std::uint32_t events) noexcept {
        using enum detail::Readiness;
        return ((events & EPOLLIN) != 0 ? readable : none) | ((events & EPOLLOUT) != 0 ? writable : none) |
               ((events & EPOLLRDHUP) != 0 ? ended : none) | ((events & (EPOLLHUP | EPOLLERR)) != 0 ? broken : none);
    }

    // In a child of fork nobody is left who could owe a wake. A loop that ends waits once, if at all, and is told that
    // all of them have come. One that waits again, or for anything else, is being run.
    unsigned wait_in_child(TimePoint deadline) noexcept {
        constexpr unsigned more_than_are_owed = 1U << 30;
        if (deadline == forever && !std::exchange(told_in_child_, true)) return more_than_are_owed;
        ROUSE_PANIC("rouse: EpollPort: a loop that was inherited over fork() cannot be run; make a new port and loop");
        return 0;
    }

    // The number of wakes since the last call.
    unsigned take_wakes() noexcept {
        std::uint64_t count = 0;
        if (::read(wake_, &count, sizeof count) != sizeof count) return 0;
        detail::tsan_acquire(&wake_);
        return static_cast<unsigned>(count);
    }

    // The number of events, in events_; 0 if a signal came (whatever its handler did is in the inbox).
    int wait(TimePoint deadline) noexcept {
        const bool bounded = deadline != forever;
        std::chrono::nanoseconds left{0};
        if (bounded && deadline != at_once) left = std::max(deadline - now(), std::chrono::nanoseconds{0});
        int count = -1;
#if defined(SYS_epoll_pwait2) && !ROUSE_TSAN // which keeps signals back until a call that it knows
        if (has_pwait2_) {
            // The kernel's own layout, with 64 bits also where time_t has 32.
            struct {
                std::int64_t seconds;
                std::int64_t nanoseconds;
            } const timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
            count = static_cast<int>(::syscall(SYS_epoll_pwait2, epoll_, events_, batch_capacity,
                                               bounded ? &timeout : nullptr, nullptr, std::size_t{0}));
            if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return checked(count); // EPERM: a sandbox
            has_pwait2_ = false;
        }
#endif
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        constexpr std::int64_t most = 24 * 60 * 60 * 1000; // returning early is allowed
        count = ::epoll_wait(epoll_, events_, batch_capacity,
                             bounded ? static_cast<int>(std::min(milliseconds, most)) : -1);
        return checked(count);
    }

    static int checked(int count) noexcept {
        if (count < 0 && errno != EINTR)
            ROUSE_PANIC("rouse: EpollPort: epoll_wait failed: its descriptor was closed by somebody else");
        return std::max(count, 0);
    }

    static constexpr int batch_capacity = 128;

    detail::ForkGeneration generation_;
    bool told_in_child_ = false;
    int epoll_ = -1;
    int wake_ = -1;
    int watches_ = 0;
    int batch_next_ = 0; // events_[batch_next_ .. batch_size_) are still to be told
    int batch_size_ = 0;
    [[maybe_unused]] bool has_pwait2_ = true;
    epoll_event events_[batch_capacity];
};

} // namespace ROUSE_ABI
} // namespace rouse
