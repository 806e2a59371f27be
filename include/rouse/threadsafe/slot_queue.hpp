// SlotQueue: passes large items from one context to another in place, without copying them.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/ports/detail/asymmetric_barrier.hpp>
#include <rouse/threadsafe/detail/cache_line_padding.hpp>
#include <rouse/threadsafe/detail/queue_waiting.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// N slots, each with a T, that circulate between a producer, which fills them, and a consumer, which reads them.
/// Nothing is copied or moved: each side works in the slot itself, by a pointer. Use it for buffers that a DMA
/// controller fills or sends, and for items that are too large to be passed through a ThreadSafeQueue.
///
/// - The producer: `reserve()` returns the next free slot, or null. Fill it, and `commit()` it.
/// - The consumer: `peek()` returns the oldest filled slot, or null. Read it, and `release()` it.
///
/// One producer and one consumer may use the queue at a time. Each of them may be a task of any loop, a thread, another
/// core, a signal handler or an interrupt, and may change from call to call, if one call happens before the next: a
/// task reserves a slot and starts a transfer, and the interrupt at its end commits. `next_free()` and `next_filled()`
/// are for a task in the place of the producer or the consumer. `close()` and what only asks may be called from any
/// context.
///
/// Slots arrive in the order in which they were committed, and none is lost. A slot that has been reserved belongs to
/// the producer until it is committed, one that has been peeked at to the consumer until it is released; asking again
/// returns the same slot. Whatever one side wrote before it handed a slot over is visible to the other. A cancelled
/// `next_free()` or `next_filled()` takes nothing. `close()` refuses all later commits and wakes both sides; slots that
/// were committed before can still be read.
///
/// Every T is constructed with the queue and lives as long as it does; the next user of a slot finds in it what the
/// last one left. A queue whose T needs the alignment of a cache line must not be a local variable of a coroutine,
/// because frames are not aligned so. On a processor with a data cache, the program cleans or invalidates the slots
/// that a DMA controller reads or writes.
///
/// Nothing is allocated; the queue can be `constinit` if T can. No call takes a lock or copies a T. A commit and a
/// release make a system call only if the other side sleeps. They need no fence where the platform has an asymmetric
/// barrier. They are wait-free, except that waking a sleeping task retries while other cores are waking tasks of the
/// same loop.
//
// Each side owns a position, which counts its slots from 0 to 2 N - 1 and over again: with two laps, a full ring
// differs from an empty one although all N slots are used. The slot of a position is the position modulo N.
//
//        release()                    commit()                     release()
//     -----------------> free, or reserved ------> filled, or peeked at ------>
//        head_ ... tail_ are filled                tail_ ... head_ + N are free
//
// How the sides sleep and wake each other, and how a commit and close() agree, is as in ThreadSafeQueue: see there.
template <class T, std::size_t N>
class SlotQueue {
    struct Producer;
    struct Consumer;
    class NextFree;
    class NextFilled;

    static_assert(N > 0, "rouse: SlotQueue: a queue must have at least one slot");
    static_assert(std::is_object_v<T> && !std::is_const_v<T> && std::is_default_constructible_v<T>,
                  "rouse: SlotQueue: the slots are constructed with the queue, so T must be default-constructible and "
                  "not const");

public:
    using value_type = T; ///< The type of the slots.

    /// Creates a queue whose slots are all free, and are value-initialised: `T{}`.
    constexpr SlotQueue() noexcept(std::is_nothrow_default_constructible_v<T>) {}
    SlotQueue(const SlotQueue&) = delete;
    SlotQueue& operator=(const SlotQueue&) = delete;

    /// Every call from another context must have returned, and no transfer may use a slot any more. A task of this
    /// thread's loop that waits is not woken; it stays suspended until cancelled. If a task of another thread's loop
    /// waits, this panics: close the queue and let that task end first.
    ~SlotQueue() {
        if (waiting_consumer_ != nullptr) waiting_consumer_->detach();
        if (waiting_producer_ != nullptr) waiting_producer_->detach();
    }

    // ---- for the producer ----

    /// The slot that commit() hands over next; null if it is not free yet, or the queue is closed. With `ahead`, the
    /// slot that so many commits later will hand over: a double-buffered DMA controller fills one slot while it already
    /// knows the next. May be called from any context.
    [[nodiscard]] T* reserve(std::size_t ahead = 0) {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{producing_, Producer::second_user};
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (closed_.load(std::memory_order_relaxed) || !has_room(tail, ahead)) return nullptr;
        return std::addressof(slot_of(tail + ahead));
    }

    /// Hands the reserved slot to the consumer, and wakes a task that waits for it. Returns false if the queue is
    /// closed; the slot then stays with the producer. May be called from any context. If no slot is free, so that none
    /// can have been reserved, that is a UsageError with ROUSE_CHECKED; else it returns false and changes nothing.
    bool commit() {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{producing_, Producer::second_user};
        const CommitGuard guard{*this}; // its destructor wakes the consumer
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (closed_.load(std::memory_order_relaxed)) return false;
        if (!has_room(tail, 0)) {
            if (ROUSE_CHECKED != 0)
                detail::misuse(
                    "rouse: SlotQueue::commit: no slot is free; commit only what reserve() or next_free() has "
                    "returned, once");
            return false;
        }
        tail_.store(after(tail), std::memory_order_release); // pairs with the acquire in has_item()
        return true;
    }

    /// `T* slot = co_await queue.next_free()` suspends the task until reserve() returns a slot, and returns that. The
    /// result is null once the queue is closed.
    [[nodiscard]] NextFree next_free() noexcept { return NextFree{*this}; }

    // ---- for the consumer ----

    /// The oldest filled slot; null if there is none. May be called from any context.
    [[nodiscard]] T* peek() {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        const std::size_t head = head_.load(std::memory_order_relaxed);
        return has_item(head) ? std::addressof(slot_of(head)) : nullptr;
    }

    /// Gives the oldest filled slot back to the producer, and wakes a task that waits for it. May be called from any
    /// context. If no slot is filled, that is a UsageError with ROUSE_CHECKED; else it does nothing.
    void release() {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (!has_item(head)) {
            if (ROUSE_CHECKED != 0)
                detail::misuse(
                    "rouse: SlotQueue::release: no slot is filled; release only what peek() or next_filled() has "
                    "returned, once");
            return;
        }
        head_.store(after(head), std::memory_order_release); // pairs with the acquire in has_room()
        detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
        sleeping_producer_.wake();
    }

    /// `T* slot = co_await queue.next_filled()` suspends the task until peek() returns a slot, and returns that. The
    /// result is null once the queue is closed and drained.
    [[nodiscard]] NextFilled next_filled() noexcept { return NextFilled{*this}; }

    /// Whether the queue is closed, no slot is filled, and none can be any more. Only for the consumer, and not in a
    /// signal handler.
    [[nodiscard]] bool drained() noexcept {
        if (!closed_.load(std::memory_order_acquire)) return false; // pairs with the release in close()
        detail::heavy_barrier();                                    // pairs with the light ones in CommitGuard
        // acquire: pairs with the release in ~CommitGuard, so that has_item() sees what the last commit has published.
        return !committing_.load(std::memory_order_acquire) && !has_item(head_.load(std::memory_order_relaxed));
    }

    // ---- for any context ----

    /// Closes the queue: later commits are refused, and both sides are woken. May be called from any context, and
    /// again.
    void close() noexcept {
        closed_.store(true, std::memory_order_release); // pairs with the acquires in closed() and drained()
        sleeping_consumer_.wake_and_synchronize();
        sleeping_producer_.wake_and_synchronize();
    }

    /// Whether close() has been called. Filled slots may be left. May be called from any context.
    [[nodiscard]] bool closed() const noexcept {
        return closed_.load(std::memory_order_acquire); // pairs with the release in close()
    }

    /// How many slots there are.
    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return N; }

    /// How many slots are filled. May be called from any context, but another may change the answer at once.
    [[nodiscard]] std::size_t size() const noexcept {
        // acquire: pairs with the release in release(). A third context needs it, so as not to read a tail older than
        // the one that this head has followed.
        const std::size_t head = head_.load(std::memory_order_acquire);
        const std::size_t filled = distance(head, tail_.load(std::memory_order_relaxed));
        return filled < N ? filled : N; // in a third context, slots may have gone round between the two loads
    }

private:
    // An array of T itself could not be initialised if its default constructor is explicit.
    struct Slot {
        T value{};
    };

    // Spans a commit, accepted or not: marks it as in progress, and wakes the consumer at the end.
    struct CommitGuard {
        explicit CommitGuard(SlotQueue& the_queue) noexcept : queue{the_queue} {
            queue.committing_.store(true, std::memory_order_relaxed);
            detail::light_barrier(); // before the load of closed_; pairs with the heavy_barrier() in drained()
        }
        ~CommitGuard() {
            queue.committing_.store(false, std::memory_order_release); // pairs with the acquire in drained()
            detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
            queue.sleeping_consumer_.wake();
        }
        CommitGuard(const CommitGuard&) = delete;
        CommitGuard& operator=(const CommitGuard&) = delete;
        SlotQueue& queue;
    };

    static constexpr std::size_t after(std::size_t position) noexcept {
        return position + 1 == 2 * N ? 0 : position + 1;
    }
    static constexpr std::size_t distance(std::size_t from, std::size_t to) noexcept {
        return to >= from ? to - from : to + 2 * N - from;
    }

    // Also of a position that is up to one lap too large.
    [[nodiscard]] T& slot_of(std::size_t position) noexcept {
        while (position >= N) position -= N; // no division, which a Cortex-M0 lacks
        return slots_[position].value;
    }

    // Producer: whether the slot of the position `tail` and `ahead` more are free.
    [[nodiscard]] bool has_room(std::size_t tail, std::size_t ahead) noexcept {
        if (ahead >= N) return false;
        if (distance(cached_head_, tail) + ahead < N) return true;
        cached_head_ = head_.load(std::memory_order_acquire); // pairs with the release in release()
        return distance(cached_head_, tail) + ahead < N;
    }
    // Consumer: whether the slot of the position `head` is filled.
    [[nodiscard]] bool has_item(std::size_t head) noexcept {
        if (head != cached_tail_) return true;
        cached_tail_ = tail_.load(std::memory_order_acquire); // pairs with the release in commit()
        return head != cached_tail_;
    }

    static constexpr const char* destroyed_message =
        "rouse: ~SlotQueue: a task of a loop of another thread waits; close the queue, and destroy it after that task "
        "has ended, or on that thread";

    // The two sides, as queue_waiting.hpp sees them.
    struct Producer {
        using Queue = SlotQueue;
        static detail::SleepSlot& slot(Queue& queue) noexcept { return queue.sleeping_producer_; }
        static detail::QueueWaiter<Producer>*& waiter(Queue& queue) noexcept { return queue.waiting_producer_; }
        static bool can_proceed(Queue& queue) noexcept {
            return queue.closed() || queue.has_room(queue.tail_.load(std::memory_order_relaxed), 0);
        }
        static constexpr const char* second_user =
            "rouse: SlotQueue: a second producer; only one may reserve and commit at a time: give each its own queue";
        static constexpr const char* destroyed = destroyed_message;
    };
    struct Consumer {
        using Queue = SlotQueue;
        static detail::SleepSlot& slot(Queue& queue) noexcept { return queue.sleeping_consumer_; }
        static detail::QueueWaiter<Consumer>*& waiter(Queue& queue) noexcept { return queue.waiting_consumer_; }
        static bool can_proceed(Queue& queue) noexcept {
            return queue.has_item(queue.head_.load(std::memory_order_relaxed)) || queue.drained();
        }
        static constexpr const char* second_user =
            "rouse: SlotQueue: a second consumer; only one may peek and release at a time: give each its own queue";
        static constexpr const char* destroyed = destroyed_message;
    };

    [[no_unique_address]] detail::CacheLinePadding padding_0_; // whatever precedes the queue in memory

    // The producer's cache line. Written by the producer only, except waiting_producer_.
    detail::Atomic<std::size_t> tail_{0};    // the position to be committed next; read by all
    std::size_t cached_head_ = 0;            // the last head_ that the producer has seen
    detail::Atomic<bool> committing_{false}; // a commit is in progress; read by the consumer once the queue is closed
    [[no_unique_address]] detail::EndInUse producing_;
    detail::QueueWaiter<Producer>* waiting_producer_ = nullptr; // the suspended task; written and read by its loop

    [[no_unique_address]] detail::CacheLinePadding padding_1_;

    // The consumer's cache line. Written by the consumer only, except waiting_consumer_.
    detail::Atomic<std::size_t> head_{0}; // the position to be released next; read by all
    std::size_t cached_tail_ = 0;         // the last tail_ that the consumer has seen
    [[no_unique_address]] detail::EndInUse consuming_;
    detail::QueueWaiter<Consumer>* waiting_consumer_ = nullptr; // the suspended task; written and read by its loop

    [[no_unique_address]] detail::CacheLinePadding padding_2_;

    // Read by both sides all the time; written only when a side goes to sleep or is woken, or the queue is closed.
    detail::SleepSlot sleeping_consumer_;
    detail::SleepSlot sleeping_producer_;
    detail::Atomic<bool> closed_{false}; // written by close(), in any context; never reset

    [[no_unique_address]] detail::CacheLinePadding padding_3_;

    Slot slots_[N] = {}; // each is the producer's or the consumer's: see the positions
};

template <class T, std::size_t N>
class SlotQueue<T, N>::NextFree final : public detail::QueueWaiter<Producer> {
public:
    using detail::QueueWaiter<Producer>::QueueWaiter;

    T* await_resume() {
        SlotQueue* const queue = this->resumed();
        if (queue == nullptr) return nullptr;
        T* const slot = queue->reserve();
        if (slot == nullptr && !queue->closed()) detail::misuse(Producer::second_user);
        return slot;
    }
};

template <class T, std::size_t N>
class SlotQueue<T, N>::NextFilled final : public detail::QueueWaiter<Consumer> {
public:
    using detail::QueueWaiter<Consumer>::QueueWaiter;

    T* await_resume() {
        SlotQueue* const queue = this->resumed();
        if (queue == nullptr) return nullptr;
        T* const slot = queue->peek();
        if (slot == nullptr && !queue->closed()) detail::misuse(Consumer::second_user);
        return slot;
    }
};

} // namespace ROUSE_ABI
} // namespace rouse
