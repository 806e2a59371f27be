// WatchSlot: one direction of a watched descriptor: whether a system call is worth a try, and the tasks that wait until
// it is.
#pragma once

#include <coroutine>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A direction is ready from a report of the port until a system call finds it exhausted. For the tasks of one loop and
/// its port. A slot must stay in place while a task waits in it.
class WatchSlot {
public:
    class Awaiter;

    /// Whether a system call is worth a try.
    [[nodiscard]] bool ready() const noexcept { return ready_; }

    /// The next system call will find something, or fail. Wakes all tasks that wait, in the order in which they began.
    void make_ready(Scheduler& loop) noexcept;

    /// The last system call found nothing, or took all there was: waits suspend until the next make_ready(). The port
    /// has to be asked for it; see DescriptorWatch::exhausted().
    void make_exhausted() noexcept { ready_ = false; }

    /// Waits until the direction is ready. This may prove wrong, so try, and wait again. Any number of tasks may wait.
    /// A wait that is ready returns at once, except that every sixteenth in a row goes round the ready queue: a peer
    /// that is always faster must not keep the other tasks from running.
    [[nodiscard]] Awaiter wait() noexcept;

    /// The same, for one task at a time. UsageError with this message, a string literal, if a task waits already.
    [[nodiscard]] Awaiter wait_alone(const char* message);

private:
    static constexpr unsigned most_in_a_row = 16;

    WaitList waiting_;
    unsigned in_a_row_ = 0; // how many waits have returned at once since the last one that did not
    bool ready_ = false;    // set by make_ready(), cleared by make_exhausted()
};

class WatchSlot::Awaiter : ListWaiter {
public:
    explicit Awaiter(WatchSlot& slot) noexcept : slot_{slot} {}

    bool await_ready() const noexcept { return slot_.ready_ && ++slot_.in_a_row_ < most_in_a_row; }
    void await_suspend(std::coroutine_handle<> frame) {
        suspended_ = true;
        slot_.in_a_row_ = 0;
        if (slot_.ready_) {
            Scheduler::current().park_ready(frame);
        } else {
            Scheduler::park(*this, TaskState::waiting_for_io, frame);
            slot_.waiting_.push_back(*this);
        }
    }
    void await_resume() const {
        if (suspended_) Scheduler::check_cancelled();
    }

private:
    friend WatchSlot;
    WatchSlot& slot_;
    bool suspended_ = false;
};

inline WatchSlot::Awaiter WatchSlot::wait() noexcept { return Awaiter{*this}; }

inline WatchSlot::Awaiter WatchSlot::wait_alone(const char* message) {
    if (!waiting_.empty()) misuse(message);
    return Awaiter{*this};
}

inline void WatchSlot::make_ready(Scheduler& loop) noexcept {
    ready_ = true;
    while (!waiting_.empty()) loop.wake(static_cast<Awaiter&>(waiting_.pop_front()));
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
