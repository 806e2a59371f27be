// Race: one task waits for several things at once, until the first of them happens. select is built on it.
//
//            a contender is woken: the others are removed, and the tasks that the race has started are cancelled
//     open ------------------------------------------------------------------------------> closed, with a winner
//       |                                                                                           |
//       |    the waiting task is cancelled or timed out: all contenders are removed                 |
//       '---> closed, without a winner                                                              |
//                  |                                                                                |
//                  '------- no removal is pending any more -----------------------------------------'---> ready
//
// A removal is pending if it cannot happen at once: a task that the race has started has to end first, and a wake that
// a foreign context has already sent has to arrive first (see RetractableWaiter). If no removal is pending, the waiting
// task becomes ready at the moment when the first contender is woken. So it resumes in the same order as if it had
// waited for that contender alone.
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

/// One of the things that a Race waits for; it stands for the waiting task there.
struct Contender : Branch {
    Contender() noexcept : Branch{on_wake_in_race} {}
    static void on_wake_in_race(Branch& branch) noexcept;

    Race* race = nullptr;
    TaskRecord* own_task = nullptr; // a task that the race has started; cancelled and awaited if it loses
    bool removal_pending = false;   // it is being removed and has not ended or arrived yet
};

/// The waiter of the task that waits for all contenders. The awaiter of select derives from it.
class Race : public RetractableWaiter, CancelForwarder {
public:
    Race() noexcept : CancelForwarder{cancel_next_loser} {}

    /// Must be called before the contenders start to wait.
    void prepare(std::span<Contender> contenders) noexcept;

    /// Must be called when the contenders wait. `first` is a contender that is ready already, or null; the contenders
    /// after it do not wait. Returns true if the running task must suspend; then it is parked.
    bool begin(Contender* first, std::coroutine_handle<> frame);

    /// The contender that won; null if the wait was given up.
    [[nodiscard]] const Contender* winner() const noexcept { return winner_; }

    /// Whether the winner has never waited, and so does not check for a cancellation itself.
    [[nodiscard]] bool won_immediately() const noexcept { return won_immediately_; }

    /// Must be called before the contenders are destroyed: ignores them from now on, and cancels the started tasks.
    void abandon() noexcept;

private:
    friend Contender;

    void on_woken(Contender& contender) noexcept;
    static bool must_take_round() noexcept;
    void close() noexcept;
    void remove_contender(Contender& contender) noexcept;
    bool loses(const Contender& contender) const noexcept { return &contender != winner_ && contender.waiting(); }
    static bool cancel_next_loser(CancelForwarder& forwarder) noexcept;

    // The waiting task is cancelled or timed out. Cancelling it twice cancels the started tasks twice.
    bool retract() noexcept override {
        if (!closed_ || task->cancel_requested) close();
        return pending_removals_ == 0 && !closing_;
    }

    Scheduler* scheduler_ = nullptr;
    std::span<Contender> contenders_;
    Contender* winner_ = nullptr;
    std::size_t pending_removals_ = 0; // how many contenders have `removal_pending`
    std::size_t next_to_cancel_ = 0;   // while active: the index of the next contender that may have a task to cancel
    bool begun_ = false;               // begin() has been called
    bool closed_ = false;              // see above
    bool closing_ = false;             // inside close()
    bool won_immediately_ = false;     // see won_immediately()
    bool abandoned_ = false;           // abandon() has been called
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

// On firmware a ThreadSafeFlag that is set wakes its waiter at once, and does not count that.
inline bool Race::must_take_round() noexcept { return !ROUSE_HOSTED || !Scheduler::may_continue(); }

inline bool Race::begin(Contender* first, std::coroutine_handle<> frame) {
    begun_ = true;
    bool must_yield = false; // pass through the ready queue once, see Scheduler::park_ready
    if (first != nullptr) {
        must_yield = std::exchange(first->state, TaskState::running) == TaskState::ready;
        winner_ = first;
        won_immediately_ = true;
    }
    if (winner_ != nullptr && first == nullptr) must_yield = must_take_round(); // woken as it began to wait
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
    // A started task that was cancelled by close() has not won; one that has returned despite the cancellation has.
    const bool ended_by_cancel =
        closed_ && contender.own_task != nullptr && contender.own_task->ending == Ending::cancelled;
    if (winner_ == nullptr && !ended_by_cancel) winner_ = &contender;
    if (!begun_) return; // another contender that starts to wait has woken this one, see begin()
    if (!closed_) close();
    // The exception of a losing task is reported, like that of any task that is not awaited.
    if (contender.own_task != nullptr && winner_ != &contender) contender.own_task->ending_observed = false;
    if (pending_removals_ != 0) return;
    // Only set without exceptions: the winner is a task that was cancelled, see Scheduler::finish.
    if (winner_ != nullptr && winner_->cancel_requested) task->cancel_requested = true;
    Scheduler::wake(*this);
}

inline void Race::close() noexcept {
    closed_ = true;
    if (closing_ || active) return; // active: a started task awaits this one, which hangs
    closing_ = true;
    for (Contender& contender : contenders_) {
        if (loses(contender)) remove_contender(contender);
    }
    closing_ = false;
    next_to_cancel_ = 0;
    scheduler_->forward_cancel(*this);
}

inline bool Race::cancel_next_loser(CancelForwarder& forwarder) noexcept {
    auto& race = static_cast<Race&>(forwarder);
    while (race.next_to_cancel_ < race.contenders_.size()) {
        Contender& contender = race.contenders_[race.next_to_cancel_++];
        if (contender.own_task == nullptr || !race.loses(contender)) continue;
        race.scheduler_->cancel(*contender.own_task);
        return true;
    }
    return false;
}

inline void Race::remove_contender(Contender& contender) noexcept {
    if (contender.own_task != nullptr) {
        // cancel_next_loser() cancels it
    } else if (contender.state == TaskState::waiting_for_task &&
               static_cast<JoinWaiter*>(contender.link.waiter)->awaited->finished()) {
        // The same task is an argument twice: it has ended, but has not yet notified this contender.
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
