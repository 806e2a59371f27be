// Readiness: whether one direction of a socket is worth a system call, and those who wait until it is.
#pragma once

#include <coroutine>

#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Readiness {
public:
    class Awaiter;

    [[nodiscard]] bool ready() const noexcept { return ready_; }

    /// Whether somebody waits.
    [[nodiscard]] bool awaited() const noexcept { return !waiting_.empty(); }

    /// An edge: the next system call will find something, or fail. Wakes all who wait.
    void make_ready(Scheduler& loop) noexcept;

    /// The last system call found the direction exhausted; the next edge makes it ready again.
    void exhausted() noexcept { ready_ = false; }

    /// Waits until the direction is ready. That it is may turn out wrong, so try, and wait again.
    /// Now and then it goes once round the ready queue although it is ready: a peer that is always faster must not
    /// keep the other tasks from running.
    [[nodiscard]] Awaiter wait() noexcept;

private:
    static constexpr unsigned most_in_a_row = 16;

    WaitList waiting_;
    unsigned in_a_row_ = 0; // waits that were over at once, since one last was not
    bool ready_ = false;
};

class Readiness::Awaiter : ListWaiter {
public:
    explicit Awaiter(Readiness& readiness) noexcept : readiness_{readiness} {}

    bool await_ready() const noexcept { return readiness_.ready_ && ++readiness_.in_a_row_ < most_in_a_row; }
    void await_suspend(std::coroutine_handle<> frame) {
        suspended_ = true;
        readiness_.in_a_row_ = 0;
        if (readiness_.ready_) {
            Scheduler::current().park_ready(frame);
        } else {
            Scheduler::park(*this, TaskState::waiting_for_io, frame);
            readiness_.waiting_.push_back(*this);
        }
    }
    void await_resume() const {
        if (suspended_) Scheduler::check_cancelled();
    }

private:
    friend Readiness;
    Readiness& readiness_;
    bool suspended_ = false;
};

inline Readiness::Awaiter Readiness::wait() noexcept { return Awaiter{*this}; }

inline void Readiness::make_ready(Scheduler& loop) noexcept {
    ready_ = true;
    while (!waiting_.empty()) loop.wake(static_cast<Awaiter&>(waiting_.pop_front()));
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
