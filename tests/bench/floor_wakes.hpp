// The floor of wakes.cpp, and where the floors of queues.cpp sleep: a loop in epoll, a thread on a futex.
#pragma once

#include <atomic>
#include <cstdint>

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace floor_of {

/// A loop that can be woken, and nothing else.
class EventLoop {
public:
    EventLoop() {
        epoll_event event{};
        event.events = EPOLLIN;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event);
    }
    ~EventLoop() {
        ::close(event_);
        ::close(epoll_);
    }
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// From any thread.
    void wake() { ::eventfd_write(event_, 1); }

    /// Sleeps until it is woken.
    void wait() {
        epoll_event event{};
        while (::epoll_wait(epoll_, &event, 1, -1) != 1) {
        }
        eventfd_t count = 0;
        ::eventfd_read(event_, &count);
    }

private:
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

/// What one thread sleeps in.
class Futex {
public:
    /// From any thread.
    void wake() {
        word_.store(1, std::memory_order_release);
        ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

    /// Sleeps until it is woken.
    void wait() {
        while (word_.load(std::memory_order_acquire) == 0)
            ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
        word_.store(0, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint32_t> word_{0};
};

} // namespace floor_of
