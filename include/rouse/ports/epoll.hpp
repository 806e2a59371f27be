// EpollPort: the port for Linux. Sleeps in epoll, with deadlines in nanoseconds where the kernel supports them, is
// woken through an eventfd, and reports to watches when their descriptors become ready.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <rouse/core/config.hpp>
#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/sanitizers.hpp>
#include <rouse/core/port.hpp>
#include <rouse/ports/detail/fork_generation.hpp>
#include <rouse/ports/detail/io_port.hpp>
#include <rouse/ports/detail/own_descriptor.hpp>
#include <rouse/ports/detail/wake_failed.hpp>

#if ROUSE_EXCEPTIONS
#include <system_error>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

/// Lets one loop sleep and wait for descriptors on Linux. run() makes one.
///
/// For the loop on the thread that made it; wake() may be called from any context, including a signal handler.
///
/// No wake is lost, and each is counted once. A sleep ends at its deadline or later, never before, except by a wake,
/// a descriptor that becomes ready, or a signal. A sleep costs one system call, taking in wakes one more; wake() costs
/// one, and the loop asks for it only when it sleeps.
///
/// A sandbox must allow read, write, epoll_ctl and epoll_wait (for blocking calls of threads also futex): a wake that
/// cannot be delivered panics. epoll_pwait2 and membarrier may be refused, even after the start of the program.
///
/// fork(): a port, the loop on it, and the objects in which its tasks wait stay with the parent. The child has copies
/// of them that share the parent's epoll instance and eventfd. It has to make a new port and loop, which are
/// independent of the copies. It may
/// - ignore the copies, and exec or _exit;
/// - set them and put to them, as a signal handler may still do: this wakes no task, neither in the child nor in the
///   parent;
/// - destroy them (sockets, loop, port): their descriptors are closed in the child only.
/// Running an inherited loop panics, and watching a descriptor on it is a UsageError, as either would take events of
/// the parent. A child that is forked inside a task is still inside it, so it cannot run another loop on the same
/// thread, but can on a new thread.
class EpollPort final : public detail::IoPort {
public:
    /// Throws std::system_error, naming the call that failed, if the process or the system has no descriptors left.
    EpollPort() {
        if (const int error = detail::ForkGeneration::count_forks()) {
            errno = error;
            fail("rouse: EpollPort: pthread_atfork");
        }
        epoll_ = detail::own_descriptor(::epoll_create1(EPOLL_CLOEXEC));
        if (epoll_ < 0) fail("rouse: EpollPort: epoll_create1");
        wake_ = detail::own_descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
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
        if (alarm_.descriptor >= 0) ::close(alarm_.descriptor);
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
        // A mere look, and there is nothing to look for: wakes are in the loop's inbox.
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
        return wakes;
    }

    // Uses syscall(), because write() is a cancellation point, and cancelling a thread inside a noexcept set() would
    // end the program.
    void wake() noexcept override {
        if (generation_.inherited()) [[unlikely]]
            return; // the descriptor is the parent's, which must not count this wake
        const int saved = errno;
        const std::uint64_t one = 1;
        const int descriptor = wake_;
        detail::tsan_release(&wake_);
        // While the write fails, the loop still waits for this wake, so the port exists; once it succeeds, the port may
        // be destroyed.
        while (::syscall(SYS_write, descriptor, &one, sizeof one) < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) break; // the counter is full, so the loop wakes anyway
            detail::wake_failed(
                "rouse: EpollPort::wake: write(2) failed, so the loop can no longer be woken; leave its "
                "eventfd open, and let sandboxes allow the call");
        }
        errno = saved;
    }

    [[nodiscard]] int native_handle() const noexcept override { return epoll_; }

    /// Makes a timerfd, for host_sleeps(). Throws std::system_error, naming the call that failed, if there are no
    /// descriptors left.
    int begin_hosting() override {
        if (alarm_.descriptor >= 0 || generation_.inherited()) return epoll_;
        const int descriptor = detail::own_descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        if (descriptor < 0) fail("rouse: EpollPort: timerfd_create");
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET; // so that an alarm that was reported needs no read() to be quiet
        event.data.ptr = static_cast<detail::Watch*>(&alarm_);
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
            close_keeping_errno(descriptor);
            fail("rouse: EpollPort: epoll_ctl");
        }
        alarm_.descriptor = descriptor;
        return epoll_;
    }

    /// Makes no system call unless `deadline` is earlier than the one for which the timerfd is set.
    bool host_sleeps(TimePoint deadline) noexcept override {
        if (deadline < alarm_.set_for && alarm_.descriptor >= 0 && !generation_.inherited()) set_alarm(deadline);
        return batch_size_ < batch_capacity;
    }

    /// For io/, see IoPort. UsageError in a child of fork().
    [[nodiscard]] int arm(int descriptor, detail::Watch& watch) override {
        if (generation_.inherited())
            detail::misuse(
                "rouse: EpollPort: a descriptor cannot be watched on a loop that was inherited over fork(); make a new "
                "port and loop");
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
    // The timerfd. Watched like any other descriptor, so that wait_until() need not know it.
    struct Alarm final : detail::Watch {
        ~Alarm() = default;
        void on_ready(detail::Readiness) noexcept override { set_for = no_deadline; }

        TimePoint set_for = no_deadline; // no_deadline: not set, or reported
        int descriptor = -1;             // made by begin_hosting()
    };

    void set_alarm(TimePoint deadline) noexcept {
        alarm_.set_for = deadline;
        const auto since_epoch = (std::max)(deadline.time_since_epoch(), std::chrono::nanoseconds{1}); // 0 turns it off
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
        constexpr std::int64_t most = (std::numeric_limits<decltype(timespec::tv_sec)>::max)();
        itimerspec when{};
        when.it_value.tv_sec = static_cast<decltype(timespec::tv_sec)>(std::min<std::int64_t>(seconds.count(), most));
        using Nanoseconds = std::chrono::duration<decltype(timespec::tv_nsec), std::nano>;
        when.it_value.tv_nsec = std::chrono::duration_cast<Nanoseconds>(since_epoch - seconds).count();
        if (::timerfd_settime(alarm_.descriptor, TFD_TIMER_ABSTIME, &when, nullptr) != 0)
            ROUSE_PANIC("rouse: EpollPort: timerfd_settime failed: its descriptor was closed outside of the port");
    }

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

    // In a child of fork() no thread is left that could send a wake. A loop that ends waits at most once for its wakes,
    // and gets a count that covers all of them. A loop that waits again, or for anything else, is being run.
    unsigned wait_in_child(TimePoint deadline) noexcept {
        constexpr unsigned more_than_are_owed = 1U << 30;
        if (deadline == no_deadline && !std::exchange(waited_in_child_, true)) return more_than_are_owed;
        ROUSE_PANIC("rouse: EpollPort: a loop that was inherited over fork() cannot be run; make a new port and loop");
        return 0;
    }

    // Returns the number of wakes since the last call.
    unsigned take_wakes() noexcept {
        std::uint64_t count = 0;
        if (::read(wake_, &count, sizeof count) != sizeof count) {
            if (errno != EINTR && errno != EAGAIN) [[unlikely]]
                detail::wake_failed(
                    "rouse: EpollPort: read(2) of its eventfd failed, so the loop would not sleep again");
            return 0;
        }
        detail::tsan_acquire(&wake_);
        return static_cast<unsigned>(count);
    }

    // Waits, and returns the number of events in events_; 0 after a signal (what its handler sent is in the inbox).
    int wait(TimePoint deadline) noexcept {
        const bool bounded = deadline != no_deadline;
        std::chrono::nanoseconds left{0};
        if (bounded && deadline != at_once) left = detail::time_left(now(), deadline);
        int count = -1;
#if defined(SYS_epoll_pwait2) && !ROUSE_TSAN // it delays signals until a call that it intercepts
        if (has_pwait2_) {
            // The kernel's layout: 64 bits even where time_t has 32.
            struct {
                std::int64_t seconds;
                std::int64_t nanoseconds;
            } const timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
            count = static_cast<int>(::syscall(SYS_epoll_pwait2, epoll_, events_, batch_capacity,
                                               bounded ? &timeout : nullptr, nullptr, std::size_t{0}));
            if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return checked(count); // EPERM: a sandbox
            has_pwait2_ = false;
        }
#else
        static_cast<void>(has_pwait2_);
#endif
        const std::int64_t milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        constexpr std::int64_t most = 24 * 60 * 60 * 1000; // returning early is allowed
        count = ::epoll_wait(epoll_, events_, batch_capacity,
                             bounded ? static_cast<int>((std::min)(milliseconds, most)) : -1);
        return checked(count);
    }

    static int checked(int count) noexcept {
        if (count < 0 && errno != EINTR)
            ROUSE_PANIC("rouse: EpollPort: epoll_wait failed: its descriptor was closed outside of the port");
        return (std::max)(count, 0);
    }

    static constexpr int batch_capacity = 128;

    detail::ForkGeneration generation_;
    bool waited_in_child_ = false; // by a loop that ends
    int epoll_ = -1;
    int wake_ = -1;
    int watches_ = 0;
    int batch_next_ = 0; // events_[batch_next_ .. batch_size_) are still to be reported
    int batch_size_ = 0; // kept after the wait: if all of events_ was used, there may be more
    Alarm alarm_;
    bool has_pwait2_ = true;
    epoll_event events_[batch_capacity];
};

} // namespace ROUSE_ABI
} // namespace rouse
