// How the two sides of a ThreadSafeQueue wait: as tasks and as threads.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/waiter.hpp>
#include <rouse/threadsafe/thread_safe_queue.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

namespace detail {

/// A task that waits on one side of a queue. In the slot, or taken out of it and on its way to the inbox, exactly while
/// `asleep_`; only then can a foreign context know of it.
template <class Queue, class Side>
class QueueWaiter : public RetractableWaiter, public InboxItem {
public:
    explicit QueueWaiter(Queue& waited_in) noexcept : queue_{&waited_in} {}
    QueueWaiter(QueueWaiter&& other) noexcept : QueueWaiter{*other.queue_} {} // before it is awaited
    bool await_ready() const {
        if (Side::waiter(*queue_) != nullptr) misuse(Side::second_one);
        return Side::has_something_to_do(*queue_);
    }

    ROUSE_NOINLINE_ON_FIRMWARE bool await_suspend(std::coroutine_handle<> frame) {
        inbox_ = &Scheduler::current().inbox();
        Scheduler::park(*this, TaskState::waiting_in_thread_safe_queue,
                        frame); // first, as it throws where there is no task
        const bool announced = Side::slot(*queue_).announce(*this);
        asleep_ = announced && queue_->template stays_asleep<Side>(*this);
        if (!asleep_) {
            Scheduler::unpark(*this);
            if (!announced) misuse(Side::second_one);
            return false;
        }
        Side::waiter(*queue_) = this;
        registered_ = true;
        return true;
    }

    /// The queue is being destroyed: the task stays where it is until it is cancelled, or finds it closed if it was
    /// about to be resumed.
    void detach() noexcept {
        const bool given_up_before = given_up_;
        leave();
        queue_ = nullptr;
        if (given_up_before) Scheduler::wake(*this); // which was to take place when we arrived
    }

    /// For wait_for and select: whether the wait was given up, and there is nothing to do after all.
    [[nodiscard]] bool interrupted() const noexcept {
        return given_up_ && queue_ != nullptr && !Side::has_something_to_do(*queue_);
    }

protected:
    ~QueueWaiter() { leave(); }

    // On resumption: the queue, or null if it is gone. Throws if the task was cancelled, with nothing put or taken.
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

    // From here on the queue may go without our being told.
    void forget() noexcept {
        if (registered_ && queue_ != nullptr) Side::waiter(*queue_) = nullptr;
        registered_ = false;
    }

    // The wake may be an old one: of a put that was refused, or of a close that a put has overtaken. Look, and sleep
    // again.
    void arrive() noexcept override {
        asleep_ = false;
        if (leaving_) return;
        if (!given_up_ && !Side::has_something_to_do(*queue_)) {
            // If somebody else sleeps there by now, the task is resumed to be told so.
            asleep_ = Side::slot(*queue_).announce(*this) && queue_->template stays_asleep<Side>(*this);
            if (asleep_) return;
        }
        Scheduler::wake(*this);
    }

    void leave() noexcept {
        if (!registered_ || queue_ == nullptr) return;
        leaving_ = true;
        if (!retract()) inbox_->scheduler().wait_for_arrival([this] { return !asleep_; });
        forget();
    }

    Queue* queue_;            // null: it is gone
    bool registered_ = false; // the queue's note of who waits
    bool asleep_ = false;
    bool leaving_ = false;
    bool given_up_ = false; // was to be retracted when it had been taken: once it arrives it waits no more
};

template <class Queue>
class QueueConsumerWaiter : public QueueWaiter<Queue, typename Queue::Consumer> {
public:
    using QueueWaiter<Queue, typename Queue::Consumer>::QueueWaiter;

protected:
    QueueConsumerWaiter(QueueConsumerWaiter&&) noexcept = default;
    ~QueueConsumerWaiter() = default;

    std::optional<typename Queue::value_type> take() {
        Queue* const waited_in = this->resumed();
        if (waited_in == nullptr) return std::nullopt;
        auto item = waited_in->get_sync();
        if (!item && !waited_in->closed()) misuse(Queue::Consumer::second_one);
        return item;
    }
};

template <class Queue>
class QueueNextAwaiter final : public QueueConsumerWaiter<Queue> {
public:
    using QueueConsumerWaiter<Queue>::QueueConsumerWaiter;

    std::optional<typename Queue::value_type> await_resume() { return this->take(); }
};

template <class Queue>
class QueueGetAwaiter final : public QueueConsumerWaiter<Queue> {
public:
    using QueueConsumerWaiter<Queue>::QueueConsumerWaiter;

    typename Queue::value_type await_resume() {
        auto item = this->take();
        if (!item) {
#if ROUSE_EXCEPTIONS
            throw QueueClosed{};
#else
            misuse("rouse: ThreadSafeQueue::get: the queue is closed and drained; use next() where exceptions are off");
#endif
        }
        return *std::move(item);
    }
};

template <class Queue, class U>
class QueuePutAwaiter final : public QueueWaiter<Queue, typename Queue::Producer> {
public:
    static constexpr bool refers_to_its_value = true;

    QueuePutAwaiter(Queue& waited_in, U value) noexcept
        : QueueWaiter<Queue, typename Queue::Producer>{waited_in}, value_{std::forward<U>(value)} {}
    QueuePutAwaiter(QueuePutAwaiter&& other) noexcept
        : QueueWaiter<Queue, typename Queue::Producer>{std::move(other)}, value_{std::forward<U>(other.value_)} {}

    bool await_resume() {
        Queue* const waited_in = this->resumed();
        if (waited_in == nullptr) return false;
        const bool accepted = waited_in->put_sync(std::forward<U>(value_));
        if (!accepted && !waited_in->closed()) misuse(Queue::Producer::second_one);
        return accepted;
    }

private:
    U value_; // a reference: the value is the caller's until it is accepted
};

} // namespace detail

template <class T, std::size_t N>
ThreadSafeQueue<T, N>::~ThreadSafeQueue() {
    if (getter_ != nullptr) getter_->detach();
    if (putter_ != nullptr) putter_->detach();
    // Relaxed: whoever destroys the queue has joined, or been joined by, those who used it.
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    for (std::size_t head = head_.load(std::memory_order_relaxed); head != tail; head = after(head))
        ring_.discard(head);
}

#if ROUSE_HOSTED

template <class T, std::size_t N>
template <class Rep, class Period>
auto ThreadSafeQueue<T, N>::deadline(std::chrono::duration<Rep, Period> at_most) {
    using Time = detail::ParkedThread::Time;
    if (!(at_most > at_most.zero())) return Time::min();
    const auto left = detail::saturated<Time::duration>(at_most);
    return left == Time::duration::max() ? Time::max() : detail::ParkedThread::now() + left;
}

/// Sleeps, as a thread, until this side has something to do (true) or the time is up.
template <class T, std::size_t N>
template <class Side>
bool ThreadSafeQueue<T, N>::block_until(detail::ParkedThread::Time deadline) {
    while (!Side::has_something_to_do(*this)) {
        if (deadline == detail::ParkedThread::Time::min()) return false;
        detail::ParkedThread thread;
        if (!Side::slot(*this).announce(thread)) detail::misuse(Side::second_one);
        if (!stays_asleep<Side>(thread)) return true;
        if (thread.wait_until(deadline)) continue;
        if (!Side::slot(*this).withdraw(thread)) thread.wait(); // it was taken: not to be left before it is let go
        return Side::has_something_to_do(*this);
    }
    return true;
}

template <class T, std::size_t N>
template <class U>
bool ThreadSafeQueue<T, N>::put_until(U&& value, detail::ParkedThread::Time deadline) {
    if (detail::Scheduler::blocking_refused())
        detail::misuse(
            "rouse: ThreadSafeQueue::put_sync: would block the loop that runs on this thread; use co_await put()");
    while (block_until<Producer>(deadline)) {
        if (put_sync(std::forward<U>(value))) return true;
        if (closed()) return false;
    }
    return false;
}

template <class T, std::size_t N>
std::optional<T> ThreadSafeQueue<T, N>::get_until(detail::ParkedThread::Time deadline) {
    if (detail::Scheduler::blocking_refused())
        detail::misuse(
            "rouse: ThreadSafeQueue::get_sync: would block the loop that runs on this thread; use co_await get()");
    block_until<Consumer>(deadline);
    return get_sync();
}

#endif

} // namespace ROUSE_ABI
} // namespace rouse
