// How the producers of a ThreadSafeMpscQueue wait for room: any number of tasks, of any loops. (Threads wait in the
// queue's put_until().)
#pragma once

#include <coroutine>
#include <memory>
#include <utility>

#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/ports/detail/asymmetric_barrier.hpp>
#include <rouse/threadsafe/detail/claimed_ring.hpp>
#include <rouse/threadsafe/detail/sleeper_stack.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A task that puts an item into a ThreadSafeMpscQueue.
///
/// Another producer can take room between the wake of a task and its resumption, and a task that has been resumed
/// cannot sleep again. So the waiter claims a slot when its wake arrives at the loop, and the task fills it when it
/// resumes. If the task is cancelled between the two, its slot is given back empty, and the value stays with it.
///
/// It is in the queue's stack, or was taken from it and is on its way to the inbox, exactly while `asleep_` is true.
/// Only then can another context reach it. It is in the loop's list of shared waits while its task is suspended, so
/// that the queue's destructor finds it.
template <class Queue>
class ClaimingPut : public RetractableWaiter, public InboxItem, SharedWait {
    using Position = typename Queue::Ring::Position;

public:
    explicit ClaimingPut(Queue& the_queue) noexcept : queue_{std::addressof(the_queue)} {}
    ClaimingPut(ClaimingPut&& other) noexcept : ClaimingPut{*other.queue_} {} // only before it is awaited

    bool await_ready() noexcept {
        claim_ = queue_->ring().claim(at_);
        return claim_ != Claim::full && Scheduler::may_continue();
    }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        Scheduler& scheduler = Scheduler::current();
        inbox_ = &scheduler.inbox();
        // Before the announcement, because it throws if there is no task.
        Scheduler::park(*this, TaskState::waiting_in_thread_safe_queue, frame);
        if (claim_ != Claim::full) { // takes a round of the ready queue first
            Scheduler::park_woken(*this, frame);
        } else if (!sleep()) {
            Scheduler::unpark(*this);
            return false;
        }
        scheduler.enter_shared_wait(*this, queue_);
        queue_->count_waiting_task(1);
        return true;
    }

    /// Called by the queue's destructor: detaches all tasks of this thread's loops. They stay suspended until they are
    /// cancelled. Those that were about to be resumed find the queue closed.
    static void detach_all(Queue& queue) noexcept {
        const auto for_each = [&queue](void (ClaimingPut::*call)() noexcept) {
            Scheduler::for_each_shared_wait(std::addressof(queue),
                                            [call](SharedWait& wait) { (static_cast<ClaimingPut&>(wait).*call)(); });
        };
        // First all: while one of them waits for its arrival, others may arrive, which its withdrawal has woken.
        for_each(&ClaimingPut::begin_to_leave);
        for_each(&ClaimingPut::detach);
    }

    /// For wait_for and select: whether the wait was given up before there was room.
    [[nodiscard]] bool interrupted() const noexcept { return given_up_ && queue_ != nullptr && claim_ == Claim::full; }

protected:
    ~ClaimingPut() { leave(); }

    // Called on resumption. Returns whether there is a slot for the value. Throws if the task was cancelled.
    bool resumed() {
        if (task != nullptr) {
            forget();
            Scheduler::check_cancelled();
        }
        return claim_ == Claim::made;
    }

    template <class U>
    void fill(U&& value) noexcept {
        claim_ = Claim::closed;
        queue_->fill(at_, std::forward<U>(value));
    }

private:
    // Returns whether the task must sleep; then it is announced.
    bool sleep() noexcept {
        queue_->sleeping_producers().push(sleeper_);
        heavy_barrier(); // pairs with the light_barrier() in the queue's pop(), between its publication and its wake()
        claim_ = queue_->ring().claim(at_);
        // If the withdrawal fails, another context has taken it, and it waits for that wake like for any other.
        asleep_ = claim_ == Claim::full || !queue_->sleeping_producers().withdraw(sleeper_);
        return asleep_;
    }

    void give_back() noexcept {
        if (claim_ != Claim::made) return;
        claim_ = Claim::full;
        queue_->give_back(at_);
    }

    bool retract() noexcept override {
        give_back();
        if (asleep_ && !queue_->sleeping_producers().withdraw(sleeper_)) {
            given_up_ = true;
            return false;
        }
        asleep_ = false;
        return true;
    }

    void forget() noexcept {
        if (SharedWait::leave()) queue_->count_waiting_task(-1);
    }

    // The wake may be for no reason, or the room may be gone. So this looks, and sleeps again if there is none.
    void arrive() noexcept override {
        asleep_ = false;
        queue_->sleeping_producers().woken(sleeper_);
        if (leaving_) return;
        if (!given_up_ && claim_ == Claim::full) {
            claim_ = queue_->ring().claim(at_);
            if (claim_ == Claim::full && sleep()) return;
        }
        Scheduler::wake(*this);
    }

    void begin_to_leave() noexcept { leaving_ = true; }

    // After this no other context can reach this waiter, and the queue does not know it.
    void leave() noexcept {
        if (queue_ == nullptr) return;
        begin_to_leave();
        if (!retract()) inbox_->scheduler().wait_for_arrival([this] { return !asleep_; });
        forget();
    }

    void detach() noexcept {
        const bool given_up_before = given_up_;
        leave();
        queue_ = nullptr;
        if (given_up_before) Scheduler::wake(*this); // its cancellation has been waiting for the arrival
    }

    // All members are the loop's; other contexts touch only the InboxItem and the StackedSleeper.
    Queue* queue_; // null once the queue has been destroyed
    Position at_{};
    Claim claim_ = Claim::full; // `made`: the slot `at_` must be filled or given back
    bool asleep_ = false;       // in the stack, or taken from it and not yet arrived
    bool leaving_ = false;      // an arrival must not wake the task
    bool given_up_ = false;     // retract() came after the waiter was taken: wake the task on arrival in any case
    StackedSleeper sleeper_{*this};
};

/// `co_await queue.put(v)`. U is a reference type: the value stays with the caller until it is accepted.
template <class Queue, class U>
class ClaimingPutAwaiter final : public ClaimingPut<Queue> {
public:
    static constexpr bool refers_to_its_value = true;

    ClaimingPutAwaiter(Queue& the_queue, U value) noexcept
        : ClaimingPut<Queue>{the_queue}, value_{std::forward<U>(value)} {}
    ClaimingPutAwaiter(ClaimingPutAwaiter&& other) noexcept // only before it is awaited
        : ClaimingPut<Queue>{std::move(other)}, value_{std::forward<U>(other.value_)} {}

    // GCC 12 ignores [[nodiscard]] through co_await; with its own attribute it warns, as Clang does.
    [[nodiscard, gnu::warn_unused_result]] bool await_resume() {
        if (!this->resumed()) return false;
        this->fill(std::forward<U>(value_));
        return true;
    }

private:
    U value_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
