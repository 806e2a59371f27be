// ThreadSafeQueue: items from one context to another, in order.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/sleep.hpp>
#include <rouse/ports/detail/asymmetric_barrier.hpp>
#include <rouse/ports/detail/parked_thread.hpp>
#include <rouse/threadsafe/detail/cache_line_padding.hpp>
#include <rouse/threadsafe/detail/ring_storage.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

struct block_t {};                ///< The type of `block`.
inline constexpr block_t block{}; ///< Says that a call of a thread may block: `queue.get_sync(block)`.

namespace detail {
template <class Queue, class Side>
class QueueWaiter;
template <class Queue>
class QueueGetAwaiter;
template <class Queue>
class QueueConsumerWaiter;
template <class Queue>
class QueueNextAwaiter;
template <class Queue, class U>
class QueuePutAwaiter;
} // namespace detail

/// A queue with one producer and one consumer at a time, each of which may be a task of any loop, a thread, another
/// core, a signal handler or an interrupt. `ThreadSafeQueue<T, N>` holds N items in itself;
/// `ThreadSafeQueue<T>{buffer}` uses a buffer of the caller's of M items, and holds M-1. T need only be movable.
///
/// put_sync(v) and get_sync() may be called from any context: no lock, no allocation, no fence, and a system call only
/// if the other side sleeps. Wait-free, but rousing a task repeats while other cores rouse tasks of its loop. The forms
/// with `block` or a duration put a thread to sleep; in a task they are a UsageError. The awaited forms suspend a task.
///
/// First in, first out; nothing is lost: a cancelled get leaves the item in the queue, a refused value is not moved
/// from. close() may be called from any context: it wakes both sides, later puts are refused, and what was accepted
/// before can still be got.
//
// Each side owns an index and keeps a copy of the other's, so it reads the other's line only when it seems to have
// run out (as in rigtorp's SPSCQueue). The side that publishes then looks whether the other sleeps, on a third line
// that changes only when somebody goes to sleep or closes. Between the two a store has to come before a load, for which
// the side that goes to sleep pays (see asymmetric_barrier.hpp and SleepSlot).
//
// The end: a consumer may say "closed and drained" only when no accepted item can follow. A put that has passed the
// test for closed may not have published yet, so a producer raises `putting_` first; the consumer looks at it after
// heavy_barrier(), and if it is up does not end but sleeps; the put rouses it as it ends.
template <class T, std::size_t N = std::dynamic_extent>
class ThreadSafeQueue {
public:
    using value_type = T; ///< What an item is.

    /// A queue that holds N items.
    constexpr ThreadSafeQueue() noexcept
        requires(N != std::dynamic_extent)
    {}

    /// A queue in a buffer, which must outlive it. UsageError if the buffer has room for fewer than two items.
    explicit ThreadSafeQueue(std::span<T> buffer)
        requires(N == std::dynamic_extent)
        : ring_{buffer} {}

    ThreadSafeQueue(const ThreadSafeQueue&) = delete;
    ThreadSafeQueue& operator=(const ThreadSafeQueue&) = delete;

    /// Every put, get and close of a thread must have returned: join it first. Tasks that wait are let go: they wait
    /// until they are cancelled.
    ~ThreadSafeQueue();

    // ---- the producer ----

    /// Puts an item if there is room; false if the queue is full or closed, and then `value` is untouched.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value) {
        const Putting putting{*this}; // ends with the rousing of the consumer
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        const std::size_t next = after(tail);
        if (closed_.load(std::memory_order_relaxed) || !has_room(next)) return false;
        ring_.put(tail, std::forward<U>(value));
        tail_.store(next, std::memory_order_release); // pairs with the acquire in has_item()
        return true;
    }

#if ROUSE_HOSTED
    /// The same, but blocks the calling thread while the queue is full; false if it is closed.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    bool put_sync(U&& value, block_t) {
        return put_until(std::forward<U>(value), detail::ParkedThread::Time::max());
    }

    /// The same, for so long at the most; false also if the time is up.
    template <class U = T, class Rep, class Period>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value, std::chrono::duration<Rep, Period> at_most) {
        return put_until(std::forward<U>(value), deadline(at_most));
    }
#endif

    /// `co_await queue.put(v)`: waits for room; false if the queue is closed, and then v is untouched.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] auto put(U&& value) noexcept {
        return detail::QueuePutAwaiter<ThreadSafeQueue, U&&>{*this, std::forward<U>(value)};
    }

    // ---- the consumer ----

    /// Takes the oldest item, if there is one.
    [[nodiscard]] std::optional<T> get_sync() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (!has_item(head)) return std::nullopt;
        const Getting getting{*this, after(head)}; // ends with the rousing of the producer
        return std::optional<T>{ring_.take(head)};
    }

#if ROUSE_HOSTED
    /// The same, but blocks the calling thread while the queue is empty; nothing if it is closed and drained.
    [[nodiscard]] std::optional<T> get_sync(block_t) { return get_until(detail::ParkedThread::Time::max()); }

    /// The same, for so long at the most; nothing also if the time is up.
    template <class Rep, class Period>
    [[nodiscard]] std::optional<T> get_sync(std::chrono::duration<Rep, Period> at_most) {
        return get_until(deadline(at_most));
    }
#endif

    /// `co_await queue.get()`: waits for an item. Throws QueueClosed if the queue is closed and drained; without
    /// exceptions that is a panic: use next() there.
    [[nodiscard]] auto get() noexcept { return detail::QueueGetAwaiter<ThreadSafeQueue>{*this}; }

    /// `while (auto item = co_await queue.next())`: waits for an item; nothing once the queue is closed and drained.
    [[nodiscard]] auto next() noexcept { return detail::QueueNextAwaiter<ThreadSafeQueue>{*this}; }

    // ---- anybody ----

    /// Refuses every later put, and wakes both sides. From any context.
    void close() noexcept {
        closed_.store(true, std::memory_order_release);
        consumer_.rouse_surely();
        producer_.rouse_surely();
    }

    /// Whether close() has been called; items may be left. From any context.
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    /// How many items it can hold.
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.size() - 1; }

    /// How many items it holds; exact for a side while the other rests.
    [[nodiscard]] std::size_t qsize() const noexcept {
        // The acquire is for anybody else: the tail is not older than the one that the head has followed.
        const std::size_t head = head_.load(std::memory_order_acquire);
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        return tail >= head ? tail - head : tail + ring_.size() - head;
    }
    [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }         ///< Whether there is no item.
    [[nodiscard]] bool full() const noexcept { return qsize() >= capacity(); } ///< Whether there is no room.

    /// The consumer's: whether the queue is closed, nothing is left, and nothing can come any more.
    [[nodiscard]] bool drained() noexcept {
        if (!closed_.load(std::memory_order_acquire)) return false;
        detail::heavy_barrier();
        return !putting_.load(std::memory_order_acquire) && !has_item(head_.load(std::memory_order_relaxed));
    }

private:
    // What a put does around its work.
    struct Putting {
        explicit Putting(ThreadSafeQueue& q) noexcept : queue{q} {
            queue.putting_.store(true, std::memory_order_relaxed);
            detail::light_barrier(); // before the look at closed_; pairs with the heavy one in drained()
        }
        ~Putting() {
            queue.putting_.store(false, std::memory_order_release); // pairs with the acquire in drained()
            detail::light_barrier(); // after the publication; pairs with the heavy one of a consumer that goes to sleep
            queue.consumer_.rouse();
        }
        Putting(const Putting&) = delete;
        Putting& operator=(const Putting&) = delete;
        ThreadSafeQueue& queue;
    };

    // What a get does after its work: free the slot.
    struct Getting {
        ThreadSafeQueue& queue;
        std::size_t next;
        ~Getting() {
            queue.head_.store(next, std::memory_order_release); // pairs with the acquire in has_room()
            detail::light_barrier(); // pairs with the heavy one of a producer that goes to sleep
            queue.producer_.rouse();
        }
    };

    [[nodiscard]] std::size_t after(std::size_t index) const noexcept {
        return index + 1 == ring_.size() ? 0 : index + 1;
    }
    // Producer: whether the slot behind `next`'s predecessor is free.
    [[nodiscard]] bool has_room(std::size_t next) noexcept {
        if (next != head_seen_) return true;
        head_seen_ = head_.load(std::memory_order_acquire);
        return next != head_seen_;
    }
    // Consumer.
    [[nodiscard]] bool has_item(std::size_t head) noexcept {
        if (head != tail_seen_) return true;
        tail_seen_ = tail_.load(std::memory_order_acquire);
        return head != tail_seen_;
    }

    // What a side that goes to sleep waits for, and where.
    struct Producer {
        static detail::SleepSlot& slot(ThreadSafeQueue& self) noexcept { return self.producer_; }
        static detail::QueueWaiter<ThreadSafeQueue, Producer>*& waiter(ThreadSafeQueue& self) noexcept {
            return self.putter_;
        }
        static bool has_something_to_do(ThreadSafeQueue& self) noexcept {
            return self.closed() || self.has_room(self.after(self.tail_.load(std::memory_order_relaxed)));
        }
        static constexpr const char* second_one = "rouse: ThreadSafeQueue: a second producer; one at a time may put";
    };
    struct Consumer {
        static detail::SleepSlot& slot(ThreadSafeQueue& self) noexcept { return self.consumer_; }
        static detail::QueueWaiter<ThreadSafeQueue, Consumer>*& waiter(ThreadSafeQueue& self) noexcept {
            return self.getter_;
        }
        static bool has_something_to_do(ThreadSafeQueue& self) noexcept {
            return self.has_item(self.head_.load(std::memory_order_relaxed)) || self.drained();
        }
        static constexpr const char* second_one = "rouse: ThreadSafeQueue: a second consumer; one at a time may get";
    };
    template <class Q, class Side>
    friend class detail::QueueWaiter;
    template <class>
    friend class detail::QueueConsumerWaiter;
    template <class Q>
    friend class detail::QueueGetAwaiter;
    template <class Q>
    friend class detail::QueueNextAwaiter;
    template <class Q, class U>
    friend class detail::QueuePutAwaiter;

    // For the sleeper of a side that has announced itself: false if there is something to do instead of sleeping.
    template <class Side>
    bool stays_asleep(detail::Sleeper sleeper) noexcept {
        detail::heavy_barrier();
        // If it cannot be withdrawn it has been woken, and that is awaited like any other wake.
        return !Side::has_something_to_do(*this) || !Side::slot(*this).withdraw(sleeper);
    }

#if ROUSE_HOSTED
    template <class Rep, class Period>
    static auto deadline(std::chrono::duration<Rep, Period> at_most);
    template <class Side>
    bool block_until(detail::ParkedThread::Time deadline);
    template <class U>
    bool put_until(U&& value, detail::ParkedThread::Time deadline);
    std::optional<T> get_until(detail::ParkedThread::Time deadline);
#endif

    [[no_unique_address]] detail::CacheLinePadding gap_0_; // what stands before the queue may be somebody else's
    // The producer's line.
    detail::Atomic<std::size_t> tail_{0}; // the next slot to fill; written by the producer
    std::size_t head_seen_ = 0;           // the producer's copy of head_
    detail::Atomic<bool> putting_{false}; // written by the producer; read by the consumer at the end
    detail::QueueWaiter<ThreadSafeQueue, Producer>* putter_ = nullptr; // the task that waits to put; its loop's

    [[no_unique_address]] detail::CacheLinePadding gap_1_;

    // The consumer's line.
    detail::Atomic<std::size_t> head_{0}; // the next slot to empty; written by the consumer
    std::size_t tail_seen_ = 0;           // the consumer's copy of tail_
    detail::QueueWaiter<ThreadSafeQueue, Consumer>* getter_ = nullptr; // the task that waits to get; its loop's

    [[no_unique_address]] detail::CacheLinePadding gap_2_;

    // Written only when a side goes to sleep or is woken, or the queue is closed; read by everybody all the time.
    detail::SleepSlot consumer_;
    detail::SleepSlot producer_;
    detail::Atomic<bool> closed_{false};

    [[no_unique_address]] detail::CacheLinePadding gap_3_;

    detail::RingStorage<T, N> ring_;
};

} // namespace ROUSE_ABI
} // namespace rouse

#include <rouse/threadsafe/detail/queue_waiting.hpp>
