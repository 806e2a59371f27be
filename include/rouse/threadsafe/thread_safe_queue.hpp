// ThreadSafeQueue: passes items from one context to another, in order.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/scheduler.hpp>
#include <rouse/core/detail/unwinding.hpp>
#include <rouse/ports/detail/asymmetric_barrier.hpp>
#include <rouse/threadsafe/block.hpp>
#include <rouse/threadsafe/detail/cache_line_padding.hpp>
#include <rouse/threadsafe/detail/queue_waiting.hpp>
#include <rouse/threadsafe/detail/ring_storage.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>
#include <rouse/threadsafe/detail/take_some.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A bounded queue that passes items from one context to another. `ThreadSafeQueue<T, N>` stores N items in itself;
/// `ThreadSafeQueue<T>{buffer}` uses a buffer of M items that the caller supplies, and holds M - 1. T may be move-only.
///
/// One producer and one consumer may use the queue at a time. Each of them may be a task of any loop, a thread, another
/// core, a signal handler or an interrupt:
/// - `put_sync(v)`, `get_sync()` and `get_many()` return at once and may be called from any context.
/// - `put_sync` and `get_sync` with `block` or a duration put the calling thread to sleep. On a thread whose loop is
///   running they raise a UsageError, because they would stop the loop. Signal handlers and interrupts must not call
///   them.
/// - `co_await` of `put(v)`, `get()`, `next()` and `next_many()` suspends a task.
/// - `close()`, and everything that only asks (except `drained()`), may be called from any context, also while both
///   sides are at work.
///
/// Items arrive in the order in which they were put, and none is lost: a cancelled get leaves the item in the queue,
/// and a refused or cancelled put does not move from its value. Whatever the producer wrote before a put is visible to
/// the consumer after the matching get. `close()` refuses all later puts and wakes both sides; items accepted before it
/// can still be taken. If moving an item out throws, the exception leaves the get, and the item stays the oldest in the
/// queue: the next get tries again. After that it belongs to the caller, in whose hands it may move further: wait_for
/// and select move it several times more.
///
/// `put_sync(v)` and `get_sync()` take no lock, allocate nothing, and make a system call only if the other side sleeps.
/// They need no fence where the platform has an asymmetric barrier. They are wait-free, except that waking a sleeping
/// task retries while other cores are waking tasks of the same loop.
//
// Each side owns an index and keeps a cached copy of the other's, so it reads the other side's cache line only when the
// queue seems to be full or empty (as in rigtorp's SPSCQueue). After publishing its index, a side checks whether the
// other sleeps. That state is on a third cache line, which changes only when a side goes to sleep or wakes up, or the
// queue is closed:
//
//     working side:   publish the index;  light_barrier();  is the other side in its SleepSlot?  then wake it
//     sleeping side:  enter the SleepSlot; heavy_barrier();  is there something to do?           then leave it
//
// The barriers keep each store before the load that follows it, so at least one of the two sides sees the other. The
// side that goes to sleep bears the cost (see asymmetric_barrier.hpp and SleepSlot).
//
// The end of the queue: the consumer may report "closed and drained" only when no accepted item can follow. A put that
// has found the queue open may not have published its item yet. So a producer raises `putting_` before it checks
// `closed_`, and the consumer checks `putting_` after a heavy_barrier(). If a put is in progress, the consumer sleeps
// instead of reporting the end, and that put wakes it when it returns, whether its item was accepted or not.
template <class T, std::size_t N = std::dynamic_extent>
class ThreadSafeQueue {
    struct Producer;
    struct Consumer;

    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "rouse: ThreadSafeQueue: the items must be objects that are not const; queue a pointer instead");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: ThreadSafeQueue: an item needs a stricter alignment than the coroutine frames have in which "
                  "tasks keep it; queue a pointer to it");

public:
    using value_type = T; ///< The type of the items.

    /// Creates an empty queue for N items. It can be `constinit`.
    constexpr ThreadSafeQueue() noexcept
        requires(N != std::dynamic_extent)
    {}

    /// Creates an empty queue in `buffer`, which must outlive it and stays the owner of its elements. One element
    /// always stays unused. Raises a UsageError if the buffer has fewer than two.
    explicit ThreadSafeQueue(std::span<T> buffer)
        requires(N == std::dynamic_extent)
        : ring_{buffer} {}

    ThreadSafeQueue(const ThreadSafeQueue&) = delete;
    ThreadSafeQueue& operator=(const ThreadSafeQueue&) = delete;

    /// Destroys the remaining items. Every call from another context must have returned: join its thread first. A task
    /// of this thread's loop that waits is not woken; it stays suspended until cancelled. If a task of another thread's
    /// loop waits, this panics: close the queue and let that task end first.
    ~ThreadSafeQueue() {
        if (waiting_consumer_ != nullptr) waiting_consumer_->detach();
        if (waiting_producer_ != nullptr) waiting_producer_->detach();
        // Relaxed: the thread that destroys the queue is already synchronised with those that used it.
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        for (std::size_t head = head_.load(std::memory_order_relaxed); head != tail; head = after(head))
            ring_.discard(head);
    }

    // ---- for the producer ----

    /// Puts an item into the queue if there is room. Returns false if the queue is full or closed; `value` is then
    /// untouched. May be called from any context. (The name is that of micropython-async's ThreadSafeQueue.)
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value) {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{producing_, Producer::second_user};
        const PutGuard guard{*this}; // its destructor wakes the consumer
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        const std::size_t next = after(tail);
        if (closed_.load(std::memory_order_relaxed) || !has_room(next)) return false;
        ring_.put(tail, std::forward<U>(value));
        tail_.store(next, std::memory_order_release); // pairs with the acquire in has_item()
        return true;
    }

#if ROUSE_HOSTED
    /// Puts an item into the queue, blocking the calling thread while the queue is full. Returns false if the queue is
    /// closed; `value` is then untouched. Raises a UsageError on a thread whose loop is running.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value, block_t) {
        return put_until(std::forward<U>(value), (detail::ParkedThread::Time::max)());
    }

    /// Like `put_sync(value, block)`, but blocks for at most `timeout`, and also returns false when that has expired.
    template <class U = T, class Rep, class Period>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value, std::chrono::duration<Rep, Period> timeout) {
        return put_until(std::forward<U>(value), detail::blocking_deadline(timeout));
    }
#endif

    /// `co_await queue.put(v)` puts an item into the queue, suspending the task while the queue is full. The result is
    /// false if the queue is closed; `v` is then untouched. Ignoring the result produces a warning. `v` is held by
    /// reference until then.
    ///
    /// With GCC before 14 do not make an item in braces here (`put(Item{...})`): it may be destroyed twice. Give it a
    /// name first, and pass `std::move(name)`; see docs/compiler-bugs.md.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] auto put(U&& value) noexcept {
        return detail::QueuePutAwaiter<Producer, U&&>{*this, std::forward<U>(value)};
    }

    // ---- for the consumer ----

    /// Takes the oldest item, or returns nothing if the queue is empty. May be called from any context. (The name is
    /// that of micropython-async's ThreadSafeQueue.)
    [[nodiscard]] std::optional<T> get_sync() {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (!has_item(head)) return std::nullopt;
        return take<std::optional<T>>(head);
    }

    /// Takes up to items.size() of the oldest items, and assigns them to the first elements of `items`. Returns how
    /// many; none if the queue is empty. May be called from any context. If the assignment of an item throws, that item
    /// stays the oldest in the queue; the exception leaves this call if no item was taken before it.
    [[nodiscard]] std::size_t get_many(std::span<T> items)
        requires std::is_move_assignable_v<T>
    {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        std::size_t taken = 0;
        detail::take_some<!std::is_nothrow_move_assignable_v<T>>(taken, [&] {
            std::size_t head = head_.load(std::memory_order_relaxed);
            const ManyGuard guard{*this, head};
            while (taken < items.size() && has_item(head)) {
                items[taken] = std::move(ring_.item(head));
                ring_.discard(head);
                head = after(head);
                ++taken;
            }
        });
        return taken;
    }

#if ROUSE_HOSTED
    /// Takes the oldest item, blocking the calling thread while the queue is empty. Returns nothing once the queue is
    /// closed and drained. Raises a UsageError on a thread whose loop is running.
    [[nodiscard]] std::optional<T> get_sync(block_t) { return get_until((detail::ParkedThread::Time::max)()); }

    /// Like `get_sync(block)`, but blocks for at most `timeout`, and also returns nothing when that has expired.
    template <class Rep, class Period>
    [[nodiscard]] std::optional<T> get_sync(std::chrono::duration<Rep, Period> timeout) {
        return get_until(detail::blocking_deadline(timeout));
    }
#endif

    /// `co_await queue.get()` takes the oldest item, suspending the task while the queue is empty. Throws QueueClosed
    /// once the queue is closed and drained. Without exceptions that is a panic: use next() instead.
    [[nodiscard]] auto get() noexcept { return detail::QueueGetAwaiter<Consumer>{*this}; }

    /// `while (auto item = co_await queue.next())` takes the oldest item, suspending the task while the queue is empty.
    /// The result is empty once the queue is closed and drained.
    [[nodiscard]] auto next() noexcept { return detail::QueueNextAwaiter<Consumer>{*this}; }

    /// `while (auto count = co_await queue.next_many(items))` takes up to items.size() of the oldest items, suspending
    /// the task while the queue is empty, and assigns them to the first elements of `items`. The result is their
    /// number; zero once the queue is closed and drained. For exceptions see get_many(). Raises a UsageError if `items`
    /// has no elements.
    [[nodiscard]] auto next_many(std::span<T> items) noexcept
        requires std::is_move_assignable_v<T>
    {
        return detail::QueueNextManyAwaiter<Consumer>{*this, items};
    }

    /// Whether the queue is closed, no item is left, and none can follow. Only for the consumer.
    [[nodiscard]] bool drained() noexcept {
        if (!closed_.load(std::memory_order_acquire)) return false; // pairs with the release in close()
        detail::heavy_barrier();                                    // pairs with the light ones in PutGuard
        // acquire: pairs with the release in ~PutGuard, so that has_item() sees what the last put has published.
        return !putting_.load(std::memory_order_acquire) && !has_item(head_.load(std::memory_order_relaxed));
    }

    // ---- for any context ----

    /// Closes the queue: later puts are refused, and both sides are woken. May be called from any context, and again.
    void close() noexcept {
        closed_.store(true, std::memory_order_release); // pairs with the acquires in closed() and drained()
        sleeping_consumer_.wake_and_synchronize();
        sleeping_producer_.wake_and_synchronize();
    }

    /// Whether close() has been called. Items may be left. May be called from any context.
    [[nodiscard]] bool closed() const noexcept {
        return closed_.load(std::memory_order_acquire); // pairs with the release in close()
    }

    /// How many items the queue can hold.
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.size() - 1; }

    /// How many items are in the queue. May be called from any context, but the other side may change the answer at
    /// once. For the producer the number can only fall by itself, for the consumer it can only grow.
    [[nodiscard]] std::size_t size() const noexcept {
        // acquire: pairs with the release in ~GetGuard. A third context needs it, so as not to read a tail older than
        // the one that this head has followed.
        const std::size_t head = head_.load(std::memory_order_acquire);
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        return tail >= head ? tail - head : tail + ring_.size() - head;
    }

    /// The same as size(), under asyncio's name.
    [[nodiscard]] std::size_t qsize() const noexcept { return size(); }

    /// Whether there is no item in the queue. May be called from any context, but the other side may change the answer
    /// at once. If the consumer gets false, get_sync() will succeed.
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Whether there is no room in the queue. May be called from any context, but the other side may change the answer
    /// at once. If the producer gets false, put_sync() will succeed unless the queue is closed.
    [[nodiscard]] bool full() const noexcept { return size() >= capacity(); }

private:
    // Spans a put, accepted or not: marks it as in progress, and wakes the consumer at the end.
    struct PutGuard {
        explicit PutGuard(ThreadSafeQueue& the_queue) noexcept : queue{the_queue} {
            queue.putting_.store(true, std::memory_order_relaxed);
            detail::light_barrier(); // before the load of closed_; pairs with the heavy_barrier() in drained()
        }
        ~PutGuard() {
            queue.putting_.store(false, std::memory_order_release); // pairs with the acquire in drained()
            detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
            queue.sleeping_consumer_.wake();
        }
        PutGuard(const PutGuard&) = delete;
        PutGuard& operator=(const PutGuard&) = delete;
        ThreadSafeQueue& queue;
    };

    // Spans the removal of an item: frees its slot and wakes the producer at the end, unless moving the item has
    // thrown.
    struct GetGuard {
        ThreadSafeQueue& queue;
        std::size_t slot;
        std::size_t next;
        [[no_unique_address]] detail::Unwinding<!std::is_nothrow_move_constructible_v<T>> move_has_thrown{};
        ~GetGuard() {
            if (move_has_thrown()) return;
            queue.ring_.discard(slot);
            queue.head_.store(next, std::memory_order_release); // pairs with the acquire in has_room()
            detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
            queue.sleeping_producer_.wake();
        }
    };

    // Spans the removal of several items: frees their slots, all at once, and wakes the producer at the end.
    struct ManyGuard {
        ThreadSafeQueue& queue;
        const std::size_t& next;
        ~ManyGuard() {
            // Relaxed: this side's own index.
            if (next == queue.head_.load(std::memory_order_relaxed)) return;
            queue.head_.store(next, std::memory_order_release); // pairs with the acquire in has_room()
            detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
            queue.sleeping_producer_.wake();
        }
    };

    // Moves the item in the slot `head` into the result, and nowhere in between, where another move could throw.
    template <class Result>
    Result take(std::size_t head) {
        const GetGuard guard{*this, head, after(head)};
        return Result(std::move(ring_.item(head)));
    }

    [[nodiscard]] std::size_t after(std::size_t index) const noexcept {
        return index + 1 == ring_.size() ? 0 : index + 1;
    }
    // Producer: whether the slot before `next` is free. It is, unless `next` is the slot that the consumer reads next.
    [[nodiscard]] bool has_room(std::size_t next) noexcept {
        if (next != cached_head_) return true;
        cached_head_ = head_.load(std::memory_order_acquire); // pairs with the release in ~GetGuard
        return next != cached_head_;
    }
    // Consumer: whether the slot `head` holds an item.
    [[nodiscard]] bool has_item(std::size_t head) noexcept {
        if (head != cached_tail_) return true;
        cached_tail_ = tail_.load(std::memory_order_acquire); // pairs with the release in put_sync()
        return head != cached_tail_;
    }

    static constexpr const char* destroyed_message =
        "rouse: ~ThreadSafeQueue: a task of a loop of another thread waits; close the queue, and destroy it after that "
        "task has ended, or on that thread";

    // The two sides, as queue_waiting.hpp sees them: where a side sleeps, which of its tasks waits, what it waits for.
    struct Producer {
        using Queue = ThreadSafeQueue;
        static detail::SleepSlot& slot(Queue& queue) noexcept { return queue.sleeping_producer_; }
        static detail::QueueWaiter<Producer>*& waiter(Queue& queue) noexcept { return queue.waiting_producer_; }
        static bool can_proceed(Queue& queue) noexcept {
            return queue.closed() || queue.has_room(queue.after(queue.tail_.load(std::memory_order_relaxed)));
        }
        static constexpr const char* second_user =
            "rouse: ThreadSafeQueue: a second producer; only one may put at a time: give each producer its own queue, "
            "or use a ThreadSafeMpscQueue";
        static constexpr const char* destroyed = destroyed_message;
    };
    struct Consumer {
        using Queue = ThreadSafeQueue;
        static detail::SleepSlot& slot(Queue& queue) noexcept { return queue.sleeping_consumer_; }
        static detail::QueueWaiter<Consumer>*& waiter(Queue& queue) noexcept { return queue.waiting_consumer_; }
        static bool can_proceed(Queue& queue) noexcept {
            return queue.has_item(queue.head_.load(std::memory_order_relaxed)) || queue.drained();
        }
        static bool has_item(Queue& queue) noexcept {
            return queue.has_item(queue.head_.load(std::memory_order_relaxed));
        }
        template <class Result>
        static Result take(Queue& queue) {
            return queue.template take<Result>(queue.head_.load(std::memory_order_relaxed));
        }
        static constexpr const char* second_user =
            "rouse: ThreadSafeQueue: a second consumer; only one may get at a time: give each consumer its own queue";
        static constexpr const char* destroyed = destroyed_message;
        static constexpr const char* get_at_end =
            "rouse: ThreadSafeQueue::get: the queue is closed and drained; use next() where exceptions are off";
        static constexpr const char* no_room_for_many =
            "rouse: ThreadSafeQueue::next_many: the span has no elements, and zero would mean the end of the queue; "
            "pass at least one";
    };

#if ROUSE_HOSTED
    template <class U>
    bool put_until(U&& value, detail::ParkedThread::Time deadline);
    std::optional<T> get_until(detail::ParkedThread::Time deadline);
#endif

    [[no_unique_address]] detail::CacheLinePadding padding_0_; // whatever precedes the queue in memory

    // The producer's cache line. Written by the producer only, except waiting_producer_.
    detail::Atomic<std::size_t> tail_{0}; // the next slot to fill; read by all
    std::size_t cached_head_ = 0;         // the last head_ that the producer has seen
    detail::Atomic<bool> putting_{false}; // a put is in progress; read by the consumer once the queue is closed
    [[no_unique_address]] detail::EndInUse producing_;
    detail::QueueWaiter<Producer>* waiting_producer_ = nullptr; // the suspended task; written and read by its loop

    [[no_unique_address]] detail::CacheLinePadding padding_1_;

    // The consumer's cache line. Written by the consumer only, except waiting_consumer_.
    detail::Atomic<std::size_t> head_{0}; // the next slot to empty; read by all
    std::size_t cached_tail_ = 0;         // the last tail_ that the consumer has seen
    [[no_unique_address]] detail::EndInUse consuming_;
    detail::QueueWaiter<Consumer>* waiting_consumer_ = nullptr; // the suspended task; written and read by its loop

    [[no_unique_address]] detail::CacheLinePadding padding_2_;

    // Read by both sides all the time; written only when a side goes to sleep or is woken, or the queue is closed.
    detail::SleepSlot sleeping_consumer_;
    detail::SleepSlot sleeping_producer_;
    detail::Atomic<bool> closed_{false}; // written by close(), in any context; never reset

    [[no_unique_address]] detail::CacheLinePadding padding_3_;

    detail::RingStorage<T, N> ring_; // the slots from head_ to tail_ hold items
};

#if ROUSE_HOSTED

// Not in the class, where they would be inline: GCC would copy them into every caller.
template <class T, std::size_t N>
template <class U>
bool ThreadSafeQueue<T, N>::put_until(U&& value, detail::ParkedThread::Time deadline) {
    if (detail::Scheduler::blocking_refused())
        detail::misuse(
            "rouse: ThreadSafeQueue::put_sync: would block the loop that runs on this thread; use co_await put()");
    while (detail::block_until<Producer>(*this, deadline)) {
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
    detail::block_until<Consumer>(*this, deadline);
    return get_sync();
}

#endif

} // namespace ROUSE_ABI
} // namespace rouse
