// How a side of a queue that one context uses waits for the other: as a task and as a thread. Both sides of a
// ThreadSafeQueue do, and the consumer of a ThreadSafeMpscQueue.
//
// A template parameter Side describes one side of a queue (ThreadSafeQueue::Producer and Consumer):
//
//     Side::Queue               the type of the queue
//     Side::slot(queue)         the SleepSlot in which this side announces that it sleeps
//     Side::waiter(queue)       a pointer to the task of this side that is suspended, or null
//     Side::can_proceed(queue)  whether this side need not sleep: there is an item or room, or the queue has ended
//     Side::second_user         the message of the UsageError for a second user of this side
//     Side::destroyed           the message of the panic if the queue is destroyed and a task of another thread waits
//
// The consumer's also has:
//
//     Side::has_item(queue)     whether there is an item
//     Side::take<R>(queue)      takes the oldest item, which must exist, as an R
//     Side::get_at_end          the message of the panic if get() finds the end without exceptions
//     Side::no_room_for_many    the message of the UsageError for a next_many() into no elements
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <rouse/core/detail/deadline.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/ports/detail/asymmetric_barrier.hpp>
#include <rouse/ports/detail/parked_thread.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// The second half of going to sleep, after `sleeper` was announced: returns whether it must sleep. If it returns
/// false, the sleeper is no longer in the slot and can proceed.
template <class Side>
bool stays_asleep(typename Side::Queue& queue, Sleeper sleeper) noexcept {
    heavy_barrier(); // pairs with the light_barrier() of the other side, between its publication and its wake()
    // If the withdrawal fails, the other side has taken the sleeper, which then waits for that wake like for any other.
    return !Side::can_proceed(queue) || !Side::slot(queue).withdraw(sleeper);
}

/// A task that waits on one side of a queue. It is in the slot, or was taken from it and is on its way to the inbox,
/// exactly while `asleep_` is true. Only then can another context reach it.
template <class Side>
class QueueWaiter : public RetractableWaiter, public InboxItem {
    using Queue = typename Side::Queue;

public:
    explicit QueueWaiter(Queue& the_queue) noexcept : queue_{std::addressof(the_queue)} {}
    QueueWaiter(QueueWaiter&& other) noexcept : QueueWaiter{*other.queue_} {} // only before it is awaited
    bool await_ready() {
        if (Side::waiter(*queue_) != nullptr) misuse(Side::second_user);
        if (!Side::can_proceed(*queue_)) return false;
        if (Scheduler::may_continue()) return true;
        registered_ = true; // see await_suspend()
        return false;
    }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        inbox_ = &Scheduler::current().inbox();
        // Before the announcement, because it throws if there is no task.
        Scheduler::park(*this, TaskState::waiting_in_thread_safe_queue, frame);
        if (registered_) [[unlikely]] { // it can proceed, and takes a round of the ready queue first
            Side::waiter(*queue_) = this;
            Scheduler::park_woken(*this, frame);
            return true;
        }
        const bool announced = Side::slot(*queue_).announce(*this);
        asleep_ = announced && stays_asleep<Side>(*queue_, *this);
        if (!asleep_) {
            Scheduler::unpark(*this);
            if (!announced) misuse(Side::second_user);
            return false;
        }
        Side::waiter(*queue_) = this;
        registered_ = true;
        return true;
    }

    /// Called by the queue's destructor. The task stays suspended until it is cancelled. If it was about to be resumed,
    /// it is resumed and finds the queue closed.
    void detach() noexcept {
        inbox_->scheduler().require_thread_to_destroy(Side::destroyed);
        const bool given_up_before = given_up_;
        leave();
        queue_ = nullptr;
        if (given_up_before) Scheduler::wake(*this); // its cancellation has been waiting for the arrival
    }

    /// For wait_for and select: whether the wait was given up and there is nothing to put or get after all.
    [[nodiscard]] bool interrupted() const noexcept {
        return given_up_ && queue_ != nullptr && !Side::can_proceed(*queue_);
    }

protected:
    ~QueueWaiter() { leave(); }

    // Called on resumption. Returns the queue, or null if it no longer exists. Throws if the task was cancelled;
    // nothing has been put or taken then.
    Queue* resumed() {
        if (task != nullptr) {
            forget();
            Scheduler::check_cancelled();
        }
        return queue_;
    }

private:
    bool retract() noexcept override {
        if (asleep_ && !Side::slot(*queue_).withdraw(*this)) {
            given_up_ = true;
            return false;
        }
        asleep_ = false;
        forget();
        return true;
    }

    // After this the queue no longer knows this waiter, and may be destroyed without a call of detach().
    void forget() noexcept {
        if (registered_ && queue_ != nullptr) Side::waiter(*queue_) = nullptr;
        registered_ = false;
    }

    // The wake may be stale: from a put that was refused, or from a close() that a put has overtaken. So this looks,
    // and sleeps again if there is nothing to do.
    void arrive() noexcept override {
        asleep_ = false;
        if (leaving_) return;
        if (!given_up_ && !Side::can_proceed(*queue_)) {
            // If another waiter is in the slot by now, the task is resumed and gets the UsageError.
            asleep_ = Side::slot(*queue_).announce(*this) && stays_asleep<Side>(*queue_, *this);
            if (asleep_) return;
        }
        Scheduler::wake(*this);
    }

    // Leaves the slot and the queue. If the other side has taken this waiter, waits until it has arrived.
    void leave() noexcept {
        if (!registered_ || queue_ == nullptr) return;
        leaving_ = true;
        if (!retract()) inbox_->scheduler().wait_for_arrival([this] { return !asleep_; });
        forget();
    }

    // All members are the loop's; other contexts touch only the InboxItem.
    Queue* queue_;            // null once the queue has been destroyed
    bool registered_ = false; // Side::waiter() points to this
    bool asleep_ = false;     // in the slot, or taken from it and not yet arrived
    bool leaving_ = false;    // an arrival must not wake the task
    bool given_up_ = false;   // retract() came after the waiter was taken: wake the task on arrival in any case
};

/// What get(), next() and next_many() have in common.
template <class Side>
class QueueConsumerWaiter : public QueueWaiter<Side> {
public:
    using QueueWaiter<Side>::QueueWaiter;

protected:
    QueueConsumerWaiter(QueueConsumerWaiter&&) noexcept = default;
    ~QueueConsumerWaiter() = default;

    // Called on resumption. Returns the queue if it has an item; null at its end.
    typename Side::Queue* resumed_with_item() {
        auto* const queue = this->resumed();
        if (queue == nullptr || Side::has_item(*queue)) return queue;
        if (!queue->closed()) misuse(Side::second_user);
        return nullptr;
    }
};

/// `co_await queue.next()`.
template <class Side>
class QueueNextAwaiter final : public QueueConsumerWaiter<Side> {
public:
    using QueueConsumerWaiter<Side>::QueueConsumerWaiter;

    std::optional<typename Side::Queue::value_type> await_resume() {
        auto* const queue = this->resumed_with_item();
        if (queue == nullptr) return std::nullopt;
        return Side::template take<std::optional<typename Side::Queue::value_type>>(*queue);
    }
};

/// `co_await queue.get()`.
template <class Side>
class QueueGetAwaiter final : public QueueConsumerWaiter<Side> {
public:
    using QueueConsumerWaiter<Side>::QueueConsumerWaiter;

    typename Side::Queue::value_type await_resume() {
        auto* const queue = this->resumed_with_item();
        if (queue == nullptr) {
#if ROUSE_EXCEPTIONS
            throw QueueClosed{};
#else
            misuse(Side::get_at_end);
#endif
        }
        return Side::template take<typename Side::Queue::value_type>(*queue);
    }
};

/// `co_await queue.next_many(items)`.
template <class Side>
class QueueNextManyAwaiter final : public QueueConsumerWaiter<Side> {
    using Items = std::span<typename Side::Queue::value_type>;

public:
    QueueNextManyAwaiter(typename Side::Queue& the_queue, Items items) noexcept
        : QueueConsumerWaiter<Side>{the_queue}, items_{items} {}
    QueueNextManyAwaiter(QueueNextManyAwaiter&& other) noexcept // only before it is awaited
        : QueueConsumerWaiter<Side>{std::move(other)}, items_{other.items_} {}

    bool await_ready() {
        if (items_.empty()) misuse(Side::no_room_for_many);
        return QueueConsumerWaiter<Side>::await_ready();
    }
    std::size_t await_resume() {
        auto* const queue = this->resumed_with_item();
        return queue == nullptr ? 0 : queue->get_many(items_);
    }

private:
    Items items_;
};

/// `co_await queue.put(v)`. U is a reference type: the value stays with the caller until it is accepted.
template <class Side, class U>
class QueuePutAwaiter final : public QueueWaiter<Side> {
public:
    static constexpr bool refers_to_its_value = true;

    QueuePutAwaiter(typename Side::Queue& the_queue, U value) noexcept
        : QueueWaiter<Side>{the_queue}, value_{std::forward<U>(value)} {}
    QueuePutAwaiter(QueuePutAwaiter&& other) noexcept // only before it is awaited
        : QueueWaiter<Side>{std::move(other)}, value_{std::forward<U>(other.value_)} {}

    // GCC 12 ignores [[nodiscard]] through co_await; with its own attribute it warns, as Clang does.
    [[nodiscard, gnu::warn_unused_result]] bool await_resume() {
        auto* const queue = this->resumed();
        if (queue == nullptr) return false;
        const bool accepted = queue->put_sync(std::forward<U>(value_));
        if (!accepted && !queue->closed()) misuse(Side::second_user);
        return accepted;
    }

private:
    U value_;
};

#if ROUSE_HOSTED

/// The deadline of a call that may block for `timeout`: Time::min() if it must not block at all, Time::max() if that is
/// beyond what the clock can express.
template <class Rep, class Period>
ParkedThread::Time blocking_deadline(std::chrono::duration<Rep, Period> timeout) {
    using Time = ParkedThread::Time;
    const std::chrono::nanoseconds wait = wait_of(timeout);
    return wait.count() == 0 ? (Time::min)() : later(ParkedThread::now(), wait);
}

/// Blocks the calling thread until this side can proceed (true) or the deadline has passed (false).
template <class Side>
bool block_until(typename Side::Queue& queue, ParkedThread::Time deadline) {
    while (!Side::can_proceed(queue)) {
        if (deadline == (ParkedThread::Time::min)()) return false;
        ParkedThread thread;
        if (!Side::slot(queue).announce(thread)) misuse(Side::second_user);
        if (!stays_asleep<Side>(queue, thread)) return true;
        if (thread.wait_until(deadline)) continue;
        // If the other side has taken `thread`, it is going to write to it: wait for that.
        if (!Side::slot(queue).withdraw(thread)) thread.wait();
        return Side::can_proceed(queue);
    }
    return true;
}

#endif

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse
