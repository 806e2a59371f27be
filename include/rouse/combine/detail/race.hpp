// Race: one task that waits in several things at once, until the first of them happens. What select is made of.
//
//            one is woken: the others are taken out, and tasks of our own are cancelled
//     open ------------------------------------------------------------------------------> closed, with a winner
//       |                                                                                           |
//       |    the waiting task is cancelled, or its time is up: all are taken out                    |
//       '---> closed, without                                                                       |
//                  |                                                                                |
//                  '------- the last that could not be taken out at once has come back -------------'---> ready
//
// What cannot be taken out at once is a task of our own, which has to end, and what a foreign context has taken
// already, which has to arrive (see RetractableWaiter). If there is no such thing the waiting task is made ready in the
// very moment in which the first is woken; so it resumes in the order in which it would, had it waited for that one
// only.
#pragma once

#include <coroutine>
#include <cstddef>
#include <span>
#include <utility>

#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

class Race;

/// One of the things that a Race waits in.
struct Contender : Branch {
    Contender() noexcept : Branch{on_wake_in_race} {}
    static void on_wake_in_race(Branch& branch) noexcept;

    Race* race = nullptr;
    TaskRecord* own_task = nullptr; // a task that the race has started: cancelled and waited for if it loses
    bool removal_pending = false;   // to be taken out, and has not come back
};

/// The waiter of the task that waits in all of them; it is in the awaiter of select.
class Race : public RetractableWaiter {
public:
    Race() noexcept = default;

    /// To be called before the contenders are made to wait.
    void prepare(std::span<Contender> contenders) noexcept;

    /// To be called when they wait. If one of them, `first`, has what it waits for already, those behind it do not
    /// wait. True if the running task has to suspend; it is parked then.
    bool begin(Contender* first, std::coroutine_handle<> frame);

    /// The one that happened first; null if the wait was given up.
    [[nodiscard]] const Contender* winner() const noexcept { return winner_; }

    /// Whether the winner has never waited, and so will not tell of a cancellation.
    [[nodiscard]] bool won_immediately() const noexcept { return won_immediately_; }

    /// The contenders are about to be destroyed: nothing that they do matters any more.
    void abandon() noexcept;

private:
    friend Contender;

    void on_woken(Contender& contender) noexcept;
    void close() noexcept;
    void remove_contender(Contender& contender) noexcept;

    // The waiting task is cancelled, or its time is up. Cancelling it twice cancels tasks of our own twice.
    bool retract() noexcept override {
        if (!closed_ || task->cancel_requested) close();
        return pending_removals_ == 0 && !closing_;
    }

    Scheduler* scheduler_ = nullptr;
    std::span<Contender> contenders_;
    Contender* winner_ = nullptr;
    std::size_t pending_removals_ = 0; // how many contenders have `removal_pending`
    bool begun_ = false;
    bool closed_ = false;
    bool closing_ = false;
    bool won_immediately_ = false;
    bool abandoned_ = false;
};

inline void Contender::on_wake_in_race(Branch& branch) noexcept {
    auto& contender = static_cast<Contender&>(branch);
    contender.race->on_woken(contender);
}

inline void Race::prepare(std::span<Contender> contenders) noexcept {
    scheduler_ = &Scheduler::current();
    contenders_ = contenders;
    for (Contender& each : contenders) each.race = this;
}

inline bool Race::begin(Contender* first, std::coroutine_handle<> frame) {
    begun_ = true;
    bool must_yield = false; // once round the ready queue, see detail::Scheduler::park_ready
    if (first != nullptr) {
        must_yield = std::exchange(first->state, TaskState::running) == TaskState::ready;
        winner_ = first;
        won_immediately_ = true;
    }
    if (winner_ != nullptr) {
        close();
        if (pending_removals_ == 0) {
            if (must_yield) scheduler_->park_ready(frame);
            return must_yield;
        }
    }
    Scheduler::park(*this, TaskState::waiting_in_select, frame);
    return true;
}

inline void Race::on_woken(Contender& contender) noexcept {
    if (abandoned_) return;
    if (contender.removal_pending) {
        contender.removal_pending = false;
        --pending_removals_;
    }
    // A task that ended because we gave up has not won; one that returned all the same has.
    const bool ended_by_cancel =
        closed_ && contender.own_task != nullptr && contender.own_task->ending == Ending::cancelled;
    if (winner_ == nullptr && !ended_by_cancel) winner_ = &contender;
    if (!begun_) return; // woken by another that is being made to wait, see begin()
    if (!closed_) close();
    // What a task that lost has thrown is reported like anything that nobody awaits.
    if (contender.own_task != nullptr && winner_ != &contender) contender.own_task->ending_observed = false;
    if (pending_removals_ != 0) return;
    // Set without exceptions only: what has won is a task that was cancelled, see Loop::finish.
    if (winner_ != nullptr && winner_->cancel_requested) task->cancel_requested = true;
    Scheduler::wake(*this);
}

inline void Race::close() noexcept {
    closed_ = true;
    if (closing_) return; // a task of our own awaits us; it hangs, but does not recurse for ever
    closing_ = true;
    for (Contender& contender : contenders_) {
        if (&contender != winner_ && contender.waiting()) remove_contender(contender);
    }
    closing_ = false;
}

inline void Race::remove_contender(Contender& contender) noexcept {
    if (contender.own_task != nullptr) {
        scheduler_->cancel(*contender.own_task);
    } else if (contender.state == TaskState::waiting_for_task &&
               static_cast<JoinWaiter*>(contender.link.waiter)->awaited->finished()) {
        // The same task twice: its end, which is telling those who await it, has not yet come to this one.
        contender.state = TaskState::running;
        return;
    } else if (scheduler_->remove_from_wait(contender)) {
        contender.state = TaskState::running;
        return;
    }
    if (contender.removal_pending) return;
    contender.removal_pending = true;
    ++pending_removals_;
}

inline void Race::abandon() noexcept {
    abandoned_ = true;
    for (Contender& contender : contenders_) {
        TaskRecord* own = contender.own_task;
        if (own != nullptr && !own->finished()) FramePool::of(*own)->scheduler()->cancel(*own);
    }
}

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
