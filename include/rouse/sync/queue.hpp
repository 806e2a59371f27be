// Queue: passes items between the tasks of one loop.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/core/detail/unwinding.hpp>
#include <rouse/sync/detail/item_store.hpp>
#include <rouse/sync/detail/queue_state.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// The type of `immediate`.
struct immediate_t {
    explicit immediate_t() = default;
};
inline constexpr immediate_t immediate{}; ///< Tag that drops what is in a queue: `queue.shutdown(immediate)`.

/// A queue between tasks, with any number of producers and consumers. `Queue<T, N>` holds up to N items in itself.
/// `Queue<T>{}` grows without limit, and `Queue<T>{maxsize}` up to maxsize items. T need only be movable.
///
/// Only for the tasks of one loop; between contexts use ThreadSafeQueue.
///
/// First in, first out. Waiting consumers are served in the order in which they began to wait, and so are producers. No
/// item is lost: an item is reserved for a waiting consumer and stays in the queue until that task runs. If the task is
/// cancelled first, the item goes to the next consumer, still in its order. Free room is reserved for waiting producers
/// in the same way. If a put is refused or cancelled, its value is not moved from. If moving an item out throws, the
/// exception leaves the get, and the item stays the oldest in the queue: the next get tries again. After that it
/// belongs to the caller, in whose hands it may move further: wait_for and select move it several times more.
///
/// close() wakes both sides: later puts are refused, and the items in the queue can still be taken. Only
/// put_overwriting() and shutdown(immediate) drop items, and both say so by their names. Tasks that wait when the queue
/// is destroyed are not woken; they stay suspended until cancelled. Tasks that had been woken before find it closed.
///
/// `Queue<T, N>` allocates nothing. `Queue<T>` keeps its items on the heap, in chunks of which it reuses one, so a
/// steady flow does not allocate.
template <class T, std::size_t N = 0>
class Queue {
    class NextAwaiter;
    class GetAwaiter;
    template <class U>
    class PutAwaiter;

    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "rouse: Queue: the items must be objects that are not const; queue a pointer instead");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: Queue: an item needs a stricter alignment than the coroutine frames have in which tasks keep "
                  "it; queue a pointer to it");

public:
    /// The type of an item.
    using value_type = T;

    /// A queue for up to N items; if N is zero, for any number.
    constexpr Queue() noexcept : state_{N == 0 ? detail::QueueState::no_limit : N} {}

    /// A queue for up to maxsize items; if maxsize is zero, for any number.
    constexpr explicit Queue(std::size_t maxsize) noexcept
        requires(N == 0)
        : state_{maxsize == 0 ? detail::QueueState::no_limit : maxsize} {}

    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// Destroys the items that are left.
    ~Queue() {
        if (state_.waiting()) {
            state_.owner().check_in_destructor(
                "rouse: ~Queue: tasks of a loop of another thread wait; destroy it on that thread");
        }
        for (std::size_t n = state_.size(); n > 0; --n) items_.pop();
    }

    /// `co_await queue.put(v)`: waits for room and puts an item. Returns false if the queue is closed; then v is
    /// untouched. Ignoring the result causes a warning; if the queue is never closed, write
    /// `std::ignore = co_await queue.put(v)`.
    ///
    /// With GCC before 14 do not make an item in braces here (`put(Item{...})`): it may be destroyed twice. Give it a
    /// name first, and pass `std::move(name)`; see docs/compiler-bugs.md.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] auto put(U&& value) noexcept {
        return PutAwaiter<U&&>{*this, std::forward<U>(value)};
    }

    /// Puts an item without waiting. Returns false if the queue is closed, or has no room except what is reserved for
    /// waiting producers; then `value` is untouched.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_nowait(U&& value) {
        state_.owner().check_thread(
            "rouse: Queue::put_nowait: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        const GrantOnExit on_exit{state_};
        if (!state_.can_put()) return false;
        items_.put(std::forward<U>(value));
        state_.item_added();
        return true;
    }

    /// Puts an item without waiting, and if the queue is full drops the oldest item first, as MicroPython's
    /// RingbufQueue does. To count the dropped items, look at full() before. A dropped item counts as processed, see
    /// join(). Returns false, and leaves `value` untouched, only if the queue is closed.
    ///
    /// UsageError if the queue is full and a task waits in put(): producers of a queue either wait for room or
    /// overwrite. If T's constructor throws, nothing has changed. In a `Queue<T, N>` moving a T must not throw.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_overwriting(U&& value) {
        state_.owner().check_thread(
            "rouse: Queue::put_overwriting: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        if (state_.closed()) return false;
        if (state_.can_put()) return put_nowait(std::forward<U>(value));
        if (state_.has_putters())
            detail::misuse(
                "rouse: Queue::put_overwriting: the queue is full and a task waits in put(); let all producers "
                "overwrite, or all wait");
        overwrite_oldest(std::forward<U>(value));
        return true;
    }

    /// The oldest item, which stays in the queue; null if there is none but those that are reserved for waiting
    /// consumers. Valid until the next co_await of this task, or call that changes the queue.
    [[nodiscard]] const T* peek() {
        state_.owner().check_thread(
            "rouse: Queue::peek: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return state_.can_get() ? std::addressof(items_.front()) : nullptr;
    }

    /// `co_await queue.get()`: waits for an item and takes it. Throws QueueClosed if the queue is closed and empty.
    /// Without exceptions that is a panic; use next() instead.
    [[nodiscard]] auto get() noexcept { return GetAwaiter{*this}; }

    /// `while (auto item = co_await queue.next())`: like get(), but returns an empty optional once the queue is closed
    /// and empty.
    [[nodiscard]] auto next() noexcept { return NextAwaiter{*this}; }

    /// Takes the oldest item without waiting. Returns an empty optional if the queue holds no item except those that
    /// are reserved for waiting consumers.
    [[nodiscard]] std::optional<T> get_nowait() {
        state_.owner().check_thread(
            "rouse: Queue::get_nowait: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        if (!state_.can_get()) return std::nullopt;
        return take<std::optional<T>>();
    }

    /// The number of items in the queue, including reserved ones.
    [[nodiscard]] std::size_t qsize() const {
        state_.owner().check_thread(
            "rouse: Queue::qsize: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return state_.size();
    }
    /// The same as qsize(), under the name that C++ containers use.
    [[nodiscard]] std::size_t size() const { return qsize(); }
    /// Whether the queue holds no item.
    [[nodiscard]] bool empty() const { return qsize() == 0; }
    /// Whether the queue holds as many items as it can.
    [[nodiscard]] bool full() const { return qsize() == state_.limit(); }

    /// The number of items that the queue can hold; zero if there is no limit.
    [[nodiscard]] std::size_t maxsize() const noexcept {
        return state_.limit() == detail::QueueState::no_limit ? 0 : state_.limit();
    }

    /// The number of items that the queue can hold; SIZE_MAX if there is no limit.
    [[nodiscard]] std::size_t capacity() const noexcept { return state_.limit(); }

    /// `co_await queue.join()`: waits until task_done() has been called once for every item that was put.
    [[nodiscard]] auto join() {
        state_.owner().check_thread(
            "rouse: Queue::join: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return state_.join();
    }

    /// Reports that an item taken from the queue has been processed; see join(). UsageError if called more often than
    /// items were put.
    void task_done() {
        state_.owner().check_thread(
            "rouse: Queue::task_done: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        state_.task_done();
    }

    /// Closes the queue: later puts are refused. Wakes the waiting producers, and each waiting consumer for which no
    /// item is left.
    void close() {
        state_.owner().check_thread(
            "rouse: Queue::close: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        state_.close();
    }

    /// The same as close(), under CPython's name.
    void shutdown() { close(); }

    /// Closes the queue and drops the items that are in it, also those that are reserved for consumers that have been
    /// woken: they find the end. A dropped item counts as processed, see join().
    void shutdown(immediate_t) {
        close();
        while (state_.size() > 0) drop_oldest();
        state_.grant_available();
    }

    /// Whether close() has been called. The queue may still hold items.
    [[nodiscard]] bool closed() const {
        state_.owner().check_thread(
            "rouse: Queue::closed: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return state_.closed();
    }

private:
    // The new item is made first, so that if this throws the consumers for which items are reserved still find them.
    template <class U>
    void overwrite_oldest(U&& value) {
        const GrantOnExit on_exit{state_};
        if constexpr (N == 0) {
            items_.put(std::forward<U>(value)); // may be one more than the limit
            drop_oldest();
        } else if constexpr (std::is_nothrow_constructible_v<T, U&&>) {
            drop_oldest();
            items_.put(std::forward<U>(value));
        } else {
            static_assert(std::is_nothrow_move_constructible_v<T>,
                          "rouse: Queue::put_overwriting: moving an item must not throw; queue a pointer to it");
            T item(std::forward<U>(value));
            drop_oldest();
            items_.put(std::move(item));
        }
        state_.item_added();
    }
    void drop_oldest() noexcept {
        items_.pop();
        state_.item_dropped();
    }

    // Runs after every change, even if T throws: grants items and room that have become available.
    struct GrantOnExit {
        detail::QueueState& state;
        ~GrantOnExit() { state.grant_available(); }
    };
    // Runs after the front item has been moved out. If its move constructor has thrown, the item stays.
    struct RemoveOnExit : GrantOnExit {
        detail::ItemStore<T, N>& items;
        [[no_unique_address]] detail::Unwinding<!std::is_nothrow_move_constructible_v<T>> move_has_thrown{};
        ~RemoveOnExit() {
            if (move_has_thrown()) return;
            items.pop();
            this->state.item_removed();
        }
    };

    // Moves the front item into the result, and nowhere in between, where another move could throw.
    template <class Result>
    Result take() {
        const RemoveOnExit on_exit{{state_}, items_};
        return Result(std::move(items_.front()));
    }

    detail::QueueState state_;
    detail::ItemStore<T, N> items_;
};

template <class T, std::size_t N>
class Queue<T, N>::NextAwaiter : detail::GrantWaiter {
public:
    explicit NextAwaiter(Queue& queue) noexcept : queue_{queue} {}
    NextAwaiter(NextAwaiter&& other) noexcept : NextAwaiter{other.queue_} {} // before it is awaited
    ~NextAwaiter() { give_back(); }

    bool await_ready() {
        queue_.state_.owner().check_thread(
            "rouse: Queue::get: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return queue_.state_.begin_get(*this) && detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (granted()) {
            queue_.state_.keep_get(*this);
            detail::Scheduler::park_woken(*this, frame);
            return;
        }
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_queue, frame);
        queue_.state_.wait_to_get(*this);
    }
    std::optional<T> await_resume() {
        if (!resumed_with_item()) return std::nullopt;
        return queue_.template take<std::optional<T>>();
    }

protected:
    // Called on resumption: ends the grant. Returns whether there is an item for this task; false at the end.
    bool resumed_with_item() {
        if (task != nullptr) detail::Scheduler::check_cancelled([this] { give_back(); });
        if (!granted()) return false; // the queue was destroyed
        queue_.state_.end_get(*this);
        return queue_.state_.can_get();
    }

    Queue& queue_;

private:
    // Passes an item that was reserved for this task to the next consumer.
    void give_back() noexcept {
        if (!granted()) return;
        queue_.state_.end_get(*this);
        queue_.state_.grant_available();
    }
};

template <class T, std::size_t N>
class Queue<T, N>::GetAwaiter : public NextAwaiter {
public:
    using NextAwaiter::NextAwaiter;

    T await_resume() {
        if (!this->resumed_with_item()) {
#if ROUSE_EXCEPTIONS
            throw QueueClosed{};
#else
            detail::misuse("rouse: Queue::get: the queue is closed and drained; use next() where exceptions are off");
#endif
        }
        return this->queue_.template take<T>();
    }
};

template <class T, std::size_t N>
template <class U>
class Queue<T, N>::PutAwaiter : detail::GrantWaiter {
public:
    static constexpr bool refers_to_its_value = true;

    PutAwaiter(Queue& queue, U value) noexcept : queue_{queue}, value_{std::forward<U>(value)} {}
    PutAwaiter(PutAwaiter&& other) noexcept // before it is awaited
        : PutAwaiter{other.queue_, std::forward<U>(other.value_)} {}
    ~PutAwaiter() { give_back(); }

    bool await_ready() {
        queue_.state_.owner().check_thread(
            "rouse: Queue::put: called on another thread than that of the loop whose tasks use it; use a "
            "ThreadSafeQueue");
        return queue_.state_.begin_put(*this) && detail::Scheduler::may_continue();
    }
    void await_suspend(std::coroutine_handle<> frame) {
        if (granted()) {
            queue_.state_.keep_put(*this);
            detail::Scheduler::park_woken(*this, frame);
            return;
        }
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_queue, frame);
        queue_.state_.wait_to_put(*this);
    }
    // Both attributes: g++ 12 ignores [[nodiscard]] for the result of a co_await.
    [[nodiscard, gnu::warn_unused_result]] bool await_resume() {
        if (task != nullptr) detail::Scheduler::check_cancelled([this] { give_back(); });
        if (!granted()) return false; // the queue was destroyed
        queue_.state_.end_put(*this);
        return queue_.put_nowait(std::forward<U>(value_));
    }

private:
    // Passes room that was reserved for this task to the next producer.
    void give_back() noexcept {
        if (!granted()) return;
        queue_.state_.end_put(*this);
        queue_.state_.grant_available();
    }

    Queue& queue_;
    U value_; // a reference: the value stays with the caller until it is accepted
};

} // namespace ROUSE_ABI
} // namespace rouse
