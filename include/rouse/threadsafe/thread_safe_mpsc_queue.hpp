// ThreadSafeMpscQueue: passes items from any number of contexts to one, in order.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
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
#include <rouse/threadsafe/detail/claimed_ring.hpp>
#include <rouse/threadsafe/detail/claiming_put.hpp>
#include <rouse/threadsafe/detail/queue_waiting.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>
#include <rouse/threadsafe/detail/sleeper_stack.hpp>
#include <rouse/threadsafe/detail/take_some.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A bounded queue with any number of producers and one consumer. It stores N items in itself. T may be move-only, and
/// its construction from what is put must not throw: an item that could not be made would leave a gap.
///
/// Any number of producers of any kind may use the queue at once: tasks of any loop, threads, other cores, signal
/// handlers, and interrupts of any priority. One consumer at a time may; it, too, may be any of these. With one
/// producer ThreadSafeQueue is faster.
/// - `put_sync(v)`, `get_sync()` and `get_many()` return at once and may be called from any context.
/// - `put_sync` and `get_sync` with `block` or a duration put the calling thread to sleep. On a thread whose loop is
///   running they raise a UsageError, because they would stop the loop. Signal handlers and interrupts must not call
///   them.
/// - `co_await` of `put(v)`, `get()`, `next()` and `next_many()` suspends a task.
/// - `close()`, and everything that only asks (except `drained()`), may be called from any context.
///
/// The items of each producer arrive in the order in which it put them, and none is lost: a cancelled get leaves the
/// item in the queue, and a refused or cancelled put does not move from its value. Whatever a producer wrote before a
/// put is visible to the consumer after the matching get. `close()` refuses all later puts and wakes all sides; items
/// accepted before it can still be taken. If moving an item out throws, it stays the oldest in the queue, as in
/// ThreadSafeQueue.
///
/// Producers that wait for room are woken in the order in which they began to wait, all at once; those that find none
/// wait again. A put that finds room does not wait and may overtake them. A task whose wake has arrived has room for
/// its item, which it puts when it resumes.
///
/// A producer never waits for another. But items leave the queue in the order in which their puts began, so a put that
/// has begun and not ended hides the later items: that of a producer which is interrupted in the middle of it, or of a
/// task that has been woken and not resumed yet. Until it ends, get_sync() may return nothing although size() is not
/// zero. It wakes the consumer when it ends.
///
/// `put_sync(v)` and `get_sync()` take no lock, allocate nothing, and make a system call only if the other side sleeps.
/// A put is one compare-exchange, which is repeated if another put has come in between. A get has none. On Cortex-M0
/// interrupts are masked for the compare-exchange, some six instructions.
//
// ClaimedRing has the protocol of the slots, and why close() is exact. A producer that has published its slot checks
// whether the consumer sleeps, and the consumer, having given a slot back, whether producers sleep:
//
//     working side:   publish;  light_barrier();  does the other side sleep?  then wake it
//     sleeping side:  announce; heavy_barrier();  is there something to do?   then withdraw
//
// as in ThreadSafeQueue. The consumer waits for one slot only, the oldest, whose producer sees it asleep or is seen. A
// producer that wakes it for a later slot does so for nothing.
template <class T, std::size_t N>
class ThreadSafeMpscQueue {
    struct Consumer;
    using Put = detail::ClaimingPut<ThreadSafeMpscQueue>;
    friend Put;

    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "rouse: ThreadSafeMpscQueue: the items must be objects that are not const; queue a pointer instead");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: ThreadSafeMpscQueue: an item needs a stricter alignment than the coroutine frames have in "
                  "which tasks keep it; queue a pointer to it");

public:
    using value_type = T; ///< The type of the items.

    /// Creates an empty queue for N items. It can be `constinit`.
    constexpr ThreadSafeMpscQueue() noexcept {}

    ThreadSafeMpscQueue(const ThreadSafeMpscQueue&) = delete;
    ThreadSafeMpscQueue& operator=(const ThreadSafeMpscQueue&) = delete;

    /// Destroys the remaining items. Every call from another context must have returned: join its thread first. Tasks
    /// of this thread's loops that wait are not woken; they stay suspended until cancelled. If a task of another
    /// thread's loop waits, this panics: close the queue and let that task end first.
    ~ThreadSafeMpscQueue() {
        if (waiting_consumer_ != nullptr) waiting_consumer_->detach();
#if ROUSE_HOSTED
        // Relaxed: the thread that destroys the queue is already synchronised with those that used it.
        if (waiting_tasks_.load(std::memory_order_relaxed) == 0) return;
#endif
        Put::detach_all(*this);
#if ROUSE_HOSTED
        if (waiting_tasks_.load(std::memory_order_relaxed) != 0) [[unlikely]]
            ROUSE_PANIC(destroyed_message);
#endif
    }

    // ---- for producers ----

    /// Puts an item into the queue if there is room. Returns false if the queue is full or closed; `value` is then
    /// untouched. May be called from any context.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_sync(U&& value) noexcept {
        require_nothrow<U>();
        typename Ring::Position at{};
        if (ring_.claim(at) != detail::Claim::made) return false;
        fill(at, std::forward<U>(value));
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
        require_nothrow<U>();
        return detail::ClaimingPutAwaiter<ThreadSafeMpscQueue, U&&>{*this, std::forward<U>(value)};
    }

    // ---- for the consumer ----

    /// Takes the oldest item, or returns nothing if there is none. May be called from any context.
    [[nodiscard]] std::optional<T> get_sync() {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        if (!has_item()) return std::nullopt;
        return take<std::optional<T>>();
    }

    /// Takes up to items.size() of the oldest items, and assigns them to the first elements of `items`. Returns how
    /// many; none if there is none. May be called from any context. If the assignment of an item throws, that item
    /// stays the oldest in the queue; the exception leaves this call if no item was taken before it.
    [[nodiscard]] std::size_t get_many(std::span<T> items)
        requires std::is_move_assignable_v<T>
    {
        const detail::UseOfEnd<ROUSE_CHECKED != 0> use{consuming_, Consumer::second_user};
        std::size_t taken = 0;
        detail::take_some<!std::is_nothrow_move_assignable_v<T>>(taken, [&] {
            const WakeGuard guard{*this, taken};
            for (; taken < items.size() && has_item(); ++taken) {
                items[taken] = std::move(ring_.front_item());
                std::destroy_at(std::addressof(ring_.front_item()));
                ring_.pop_front();
            }
        });
        return taken;
    }

#if ROUSE_HOSTED
    /// Takes the oldest item, blocking the calling thread while there is none. Returns nothing once the queue is closed
    /// and drained. Raises a UsageError on a thread whose loop is running.
    [[nodiscard]] std::optional<T> get_sync(block_t) { return get_until((detail::ParkedThread::Time::max)()); }

    /// Like `get_sync(block)`, but blocks for at most `timeout`, and also returns nothing when that has expired.
    template <class Rep, class Period>
    [[nodiscard]] std::optional<T> get_sync(std::chrono::duration<Rep, Period> timeout) {
        return get_until(detail::blocking_deadline(timeout));
    }
#endif

    /// `co_await queue.get()` takes the oldest item, suspending the task while there is none. Throws QueueClosed once
    /// the queue is closed and drained. Without exceptions that is a panic: use next() instead.
    [[nodiscard]] auto get() noexcept { return detail::QueueGetAwaiter<Consumer>{*this}; }

    /// `while (auto item = co_await queue.next())` takes the oldest item, suspending the task while there is none. The
    /// result is empty once the queue is closed and drained.
    [[nodiscard]] auto next() noexcept { return detail::QueueNextAwaiter<Consumer>{*this}; }

    /// `while (auto count = co_await queue.next_many(items))` takes up to items.size() of the oldest items, suspending
    /// the task while there is none, and assigns them to the first elements of `items`. The result is their number;
    /// zero once the queue is closed and drained. For exceptions see get_many(). Raises a UsageError if `items` has no
    /// elements.
    [[nodiscard]] auto next_many(std::span<T> items) noexcept
        requires std::is_move_assignable_v<T>
    {
        return detail::QueueNextManyAwaiter<Consumer>{*this, items};
    }

    /// Whether the queue is closed, no item is left, and none can follow. Only for the consumer.
    [[nodiscard]] bool drained() noexcept { return closed() && !has_item() && ring_.drained(); }

    // ---- for any context ----

    /// Closes the queue: later puts are refused, and all sides are woken. May be called from any context, and again.
    void close() noexcept {
        ring_.close();
        sleeping_consumer_.wake_and_synchronize();
        sleeping_producers_.wake_all();
    }

    /// Whether close() has been called. Items may be left. May be called from any context.
    [[nodiscard]] bool closed() const noexcept { return ring_.closed(); }

    /// How many items the queue can hold.
    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return N; }

    /// How many items are in the queue, including those whose puts have begun and not ended. May be called from any
    /// context, but others may change the answer at once.
    [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }

    /// The same as size(), under asyncio's name.
    [[nodiscard]] std::size_t qsize() const noexcept { return size(); }

    /// Whether size() is zero. May be called from any context, but others may change the answer at once.
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Whether there is no room in the queue. May be called from any context, but others may change the answer at once.
    [[nodiscard]] bool full() const noexcept { return size() == N; }

private:
    using Ring = detail::ClaimedRing<T, N>;

    template <class U>
    static constexpr void require_nothrow() noexcept {
        static_assert(
            std::is_nothrow_constructible_v<T, U&&>,
            "rouse: ThreadSafeMpscQueue: the construction of an item must not throw, because its place in the "
            "queue is taken by then; make the item first, and move it into the queue");
    }

    // ---- for ClaimingPut ----

    Ring& ring() noexcept { return ring_; }
    detail::SleeperStack& sleeping_producers() noexcept { return sleeping_producers_; }

    template <class U>
    void fill(typename Ring::Position at, U&& value) noexcept {
        ring_.fill(at, std::forward<U>(value));
        wake_consumer();
    }
    void give_back(typename Ring::Position at) noexcept {
        ring_.give_back(at);
        wake_consumer(); // which passes over the slot, and so makes room
    }

    void count_waiting_task([[maybe_unused]] int change) noexcept {
#if ROUSE_HOSTED
        waiting_tasks_.fetch_add(change, std::memory_order_relaxed);
#endif
    }

    // ---- waking ----

    void wake_consumer() noexcept {
        detail::light_barrier(); // before the load in wake(); pairs with the heavy_barrier() in stays_asleep()
        sleeping_consumer_.wake();
    }
    void wake_producers() noexcept {
        detail::light_barrier(); // before the load in any(); pairs with the heavy_barrier() of a producer
        if (sleeping_producers_.any()) [[unlikely]]
            wake_sleeping_producers();
    }
    // Out of line, as in SleepSlot.
    [[gnu::noinline, gnu::cold]] void wake_sleeping_producers() noexcept {
        const std::size_t room = N - ring_.size();
        if (room == 0) return; // others have taken it
        sleeping_producers_.wake_oldest(room);
        if (ring_.closed()) sleeping_producers_.wake_all();
    }

    // ---- taking ----

    // Whether the oldest slot holds an item. Passes over the slots that were given back.
    [[nodiscard]] bool has_item() noexcept {
        for (;;) {
            const auto front = ring_.front();
            if (front != Ring::Front::abandoned) return front == Ring::Front::item;
            ring_.pop_front();
            wake_producers();
        }
    }

    // Spans the removal of an item: frees its slot and wakes the producers at the end, unless moving the item has
    // thrown.
    struct GetGuard {
        ThreadSafeMpscQueue& queue;
        [[no_unique_address]] detail::Unwinding<!std::is_nothrow_move_constructible_v<T>> move_has_thrown{};
        ~GetGuard() {
            if (move_has_thrown()) return;
            std::destroy_at(std::addressof(queue.ring_.front_item()));
            queue.ring_.pop_front();
            queue.wake_producers();
        }
    };
    // Spans the removal of several: wakes the producers at the end.
    struct WakeGuard {
        ThreadSafeMpscQueue& queue;
        const std::size_t& taken;
        ~WakeGuard() {
            if (taken != 0) queue.wake_producers();
        }
    };

    // Moves the oldest item into the result, and nowhere in between, where another move could throw.
    template <class Result>
    Result take() {
        const GetGuard guard{*this};
        return Result(std::move(ring_.front_item()));
    }

    static constexpr const char* destroyed_message =
        "rouse: ~ThreadSafeMpscQueue: a task of a loop of another thread waits; close the queue, and destroy it after "
        "that task has ended, or on that thread";

    // The consumer, as queue_waiting.hpp sees it.
    struct Consumer {
        using Queue = ThreadSafeMpscQueue;
        static detail::SleepSlot& slot(Queue& queue) noexcept { return queue.sleeping_consumer_; }
        static detail::QueueWaiter<Consumer>*& waiter(Queue& queue) noexcept { return queue.waiting_consumer_; }
        static bool can_proceed(Queue& queue) noexcept { return queue.has_item() || queue.drained(); }
        static bool has_item(Queue& queue) noexcept { return queue.has_item(); }
        template <class Result>
        static Result take(Queue& queue) {
            return queue.template take<Result>();
        }
        static constexpr const char* second_user =
            "rouse: ThreadSafeMpscQueue: a second consumer; only one may get at a time: give each consumer its own "
            "queue";
        static constexpr const char* destroyed = destroyed_message;
        static constexpr const char* get_at_end =
            "rouse: ThreadSafeMpscQueue::get: the queue is closed and drained; use next() where exceptions are off";
        static constexpr const char* no_room_for_many =
            "rouse: ThreadSafeMpscQueue::next_many: the span has no elements, and zero would mean the end of the "
            "queue; pass at least one";
    };

#if ROUSE_HOSTED
    template <class U>
    bool put_until(U&& value, detail::ParkedThread::Time deadline);
    std::optional<T> get_until(detail::ParkedThread::Time deadline);
#endif

    Ring ring_;

    [[no_unique_address]] detail::CacheLinePadding padding_0_;

    // The consumer's.
    [[no_unique_address]] detail::EndInUse consuming_;
    detail::QueueWaiter<Consumer>* waiting_consumer_ = nullptr; // the suspended task; written and read by its loop

    [[no_unique_address]] detail::CacheLinePadding padding_1_;

    // Read by all sides all the time; written only when one goes to sleep or is woken, or the queue is closed.
    detail::SleepSlot sleeping_consumer_;
    detail::SleeperStack sleeping_producers_;
#if ROUSE_HOSTED
    detail::Atomic<int> waiting_tasks_{0}; // the suspended producers; written by their loops, read by the destructor
#endif

    [[no_unique_address]] detail::CacheLinePadding padding_2_;
};

#if ROUSE_HOSTED

// Not in the class, where they would be inline: GCC would copy them into every caller.
template <class T, std::size_t N>
template <class U>
bool ThreadSafeMpscQueue<T, N>::put_until(U&& value, detail::ParkedThread::Time deadline) {
    if (detail::Scheduler::blocking_refused())
        detail::misuse(
            "rouse: ThreadSafeMpscQueue::put_sync: would block the loop that runs on this thread; use co_await put()");
    while (!put_sync(std::forward<U>(value))) {
        if (closed() || deadline == (detail::ParkedThread::Time::min)()) return false;
        detail::ParkedThread thread;
        detail::StackedSleeper sleeper{thread};
        sleeping_producers_.push(sleeper);
        detail::heavy_barrier(); // pairs with the light_barrier() in wake_producers()
        const bool accepted = put_sync(std::forward<U>(value));
        const bool sleeps = !accepted && !closed();
        if (sleeps && thread.wait_until(deadline)) continue;
        if (!sleeping_producers_.withdraw(sleeper)) {
            thread.wait(); // another context has taken it, and is going to write to `thread`
            sleeping_producers_.woken(sleeper);
        }
        return sleeps ? put_sync(std::forward<U>(value)) : accepted;
    }
    return true;
}

template <class T, std::size_t N>
std::optional<T> ThreadSafeMpscQueue<T, N>::get_until(detail::ParkedThread::Time deadline) {
    if (detail::Scheduler::blocking_refused())
        detail::misuse(
            "rouse: ThreadSafeMpscQueue::get_sync: would block the loop that runs on this thread; use co_await get()");
    detail::block_until<Consumer>(*this, deadline);
    return get_sync();
}

#endif

} // namespace ROUSE_ABI
} // namespace rouse
