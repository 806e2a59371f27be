// SteppedPort: the EpollPort, with a clock that stands still until the loop sleeps with a deadline. So every run of a
// program goes the same way, and a sleep without a deadline is one that only a wake can end.
#pragma once

#include <algorithm>
#include <utility>

#include <poll.h>

#include <rouse/ports/epoll.hpp>

#include "trace.hpp"

namespace step {

class SteppedPort final : public rouse::Port {
public:
    /// To be called once, when the loop has fallen asleep.
    void at_sleep(Operation operation) { at_sleep_ = operation; }

    /// As a host's sleep does, when nothing comes before its end.
    void advance_to(rouse::TimePoint time) { now_ = std::max(now_, time); }

    /// Whether the descriptor tells a host to look.
    [[nodiscard]] bool readable() const {
        pollfd look{native_handle(), POLLIN, 0};
        return ::poll(&look, 1, 0) == 1;
    }

    [[nodiscard]] rouse::TimePoint now() const noexcept override { return now_; }

    unsigned wait_until(rouse::TimePoint deadline) noexcept override {
        if (deadline <= now_) return real_.wait_until(deadline);
        if (at_sleep_ != nullptr) std::exchange(at_sleep_, nullptr)();
        finish();
        const bool timed = deadline != rouse::no_deadline;
        const unsigned wakes = real_.wait_until(timed ? rouse::TimePoint{} : deadline);
        if (timed && wakes == 0) now_ = deadline;
        return wakes;
    }

    void wake() noexcept override { real_.wake(); }
    [[nodiscard]] int native_handle() const noexcept override { return real_.native_handle(); }

private:
    rouse::EpollPort real_;
    rouse::TimePoint now_{std::chrono::seconds{1}};
    Operation at_sleep_ = nullptr;
};

} // namespace step
