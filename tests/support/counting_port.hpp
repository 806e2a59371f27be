// An epoll port that counts the wakes, each of which is a system call.
#pragma once

#include <atomic>

#include <rouse/ports/epoll.hpp>

namespace test {

class CountingPort final : public rouse::Port {
public:
    CountingPort() = default;
    ~CountingPort() = default;

    rouse::TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        sleeping.store(deadline != rouse::at_once);
        const unsigned count = port_.wait_until(deadline);
        sleeping.store(false);
        return count;
    }
    void wake() noexcept override {
        ++wakes;
        port_.wake();
    }

    std::atomic<int> wakes{0};
    std::atomic<bool> sleeping{false};

private:
    rouse::EpollPort port_;
};

} // namespace test
