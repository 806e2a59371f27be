// Queue: items from some tasks of a loop to others, in order.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/item_store.hpp>
#include <rouse/sync/detail/queue_state.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// A queue between the tasks of one loop, with any number of them at both ends. `Queue<T, N>` holds N items in itself
/// and allocates nothing. `Queue<T>{}` grows without limit, and `Queue<T>{maxsize}` up to maxsize, on the heap. T need
/// only be movable. For other contexts there is ThreadSafeQueue.
///
/// First in, first out; getters and putters are served in the order in which they began to wait. Nothing is lost: an
/// item is promised to a waiting getter, and stays in the queue until the getter runs; if that is cancelled before, it
/// goes to the next in its order. The same holds for room and putters. A refused value, or that of a cancelled put, is
/// not moved from. (An item whose move throws when it is got is lost.)
///
/// close() wakes both ends: later puts are refused, and what is in the queue can still be got. A queue that is
/// destroyed leaves those who wait for it waiting, until they are cancelled; those it had woken find it closed.
template <class T, std::size_t N = 0>
class Queue {
    class NextAwaiter;
    class GetAwaiter;
    template <class U>
    class PutAwaiter;

public:
    /// What an item is.
    using value_type = T;

    /// A queue that holds N items; if N is zero, any number.
    constexpr Queue() noexcept : state_{N == 0 ? detail::QueueState::no_limit : N} {}

    /// A queue that holds maxsize items; zero: any number.
    constexpr explicit Queue(std::size_t maxsize) noexcept
        requires(N == 0)
        : state_{maxsize == 0 ? detail::QueueState::no_limit : maxsize} {}

    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// Ends the items that are left.
    ~Queue() {
        for (std::size_t n = state_.size(); n > 0; --n) items_.pop();
    }

    /// `co_await queue.put(v)`: waits for room and puts an item. Returns false if the queue is closed; then v is
    /// untouched. Ignoring the result causes a warning; if the queue is never closed, write
    /// `std::ignore = co_await queue.put(v)`.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] auto put(U&& value) noexcept {
        return PutAwaiter<U&&>{*this, std::forward<U>(value)};
    }

    /// Puts an item if there is room that is not promised; false if there is none, or the queue is closed, and then
    /// `value` is untouched.
    template <class U = T>
        requires std::constructible_from<T, U&&>
    [[nodiscard]] bool put_nowait(U&& value) {
        const GrantOnExit on_exit{state_};
        if (!state_.can_put()) return false;
        items_.put(std::forward<U>(value));
        state_.item_added();
        return true;
    }

    /// `co_await queue.get()`: waits for an item. Throws QueueClosed if the queue is closed and drained; without
    /// exceptions that is a panic: use next() there.
    [[nodiscard]] auto get() noexcept { return GetAwaiter{*this}; }

    /// `while (auto item = co_await queue.next())`: waits for an item; nothing once the queue is closed and drained.
    [[nodiscard]] auto next() noexcept { return NextAwaiter{*this}; }

    /// Takes the oldest item, if there is one that is not promised.
    [[nodiscard]] std::optional<T> get_nowait() {
        if (!state_.can_get()) return std::nullopt;
        const RemoveOnExit on_exit{{state_}, items_};
        return std::optional<T>{std::move(items_.front())};
    }

    /// How many items it holds, those that are promised included.
    [[nodiscard]] std::size_t qsize() const noexcept { return state_.size(); }
    /// The same as qsize(), under the name that C++ containers use.
    [[nodiscard]] std::size_t size() const noexcept { return qsize(); }
    /// Whether there is no item in it.
    [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }
    /// Whether it holds as many as it can.
    [[nodiscard]] bool full() const noexcept { return qsize() == state_.limit(); }

    /// How many items it can hold; zero: any number.
    [[nodiscard]] std::size_t maxsize() const noexcept {
        return state_.limit() == detail::QueueState::no_limit ? 0 : state_.limit();
    }

    /// How many items it can hold; SIZE_MAX: any number.
    [[nodiscard]] std::size_t capacity() const noexcept { return state_.limit(); }

    /// `co_await queue.join()`: waits until task_done() has been called for every item that was put.
    [[nodiscard]] auto join() noexcept { return state_.join(); }

    /// Says that an item which was got has been dealt with. UsageError if called more often than items were put.
    void task_done() { state_.task_done(); }

    /// Refuses every later put, and wakes all who wait, as soon as there is nothing left for them.
    void close() noexcept { state_.close(); }

    /// Whether close() has been called; items may be left.
    [[nodiscard]] bool closed() const noexcept { return state_.closed(); }

private:
    // What follows a change, also if it ends with an exception of T's.
    struct GrantOnExit {
        detail::QueueState& state;
        ~GrantOnExit() { state.grant_available(); }
    };
    struct RemoveOnExit : GrantOnExit {
        detail::ItemStore<T, N>& items;
        ~RemoveOnExit() {
            items.pop();
            this->state.item_removed();
        }
    };

    detail::QueueState state_;
    detail::ItemStore<T, N> items_;
};

template <class T, std::size_t N>
class Queue<T, N>::NextAwaiter : detail::GrantWaiter {
public:
    explicit NextAwaiter(Queue& queue) noexcept : queue_{queue} {}
    NextAwaiter(NextAwaiter&& other) noexcept : NextAwaiter{other.queue_} {} // before it is awaited
    ~NextAwaiter() { give_back(); }

    bool await_ready() noexcept { return queue_.state_.begin_get(*this); }
    void await_suspend(std::coroutine_handle<> frame) {
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_queue, frame);
        queue_.state_.wait_to_get(*this);
    }
    std::optional<T> await_resume() {
        if (task != nullptr) detail::Scheduler::check_cancelled([this] { give_back(); });
        if (!granted()) return std::nullopt; // the queue is gone
        queue_.state_.end_get(*this);
        return queue_.get_nowait();
    }

private:
    // The item that was promised to us goes to the next.
    void give_back() noexcept {
        if (!granted()) return;
        queue_.state_.end_get(*this);
        queue_.state_.grant_available();
    }

    Queue& queue_;
};

template <class T, std::size_t N>
class Queue<T, N>::GetAwaiter : public NextAwaiter {
public:
    using NextAwaiter::NextAwaiter;

    T await_resume() {
        auto item = NextAwaiter::await_resume();
        if (!item) {
#if ROUSE_EXCEPTIONS
            throw QueueClosed{};
#else
            detail::misuse("rouse: Queue::get: the queue is closed and drained; use next() where exceptions are off");
#endif
        }
        return *std::move(item);
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

    bool await_ready() noexcept { return queue_.state_.begin_put(*this); }
    void await_suspend(std::coroutine_handle<> frame) {
        detail::Scheduler::park(*this, detail::TaskState::waiting_in_queue, frame);
        queue_.state_.wait_to_put(*this);
    }
    // Both attributes: g++ 12 ignores [[nodiscard]] for the result of a co_await.
    [[nodiscard, gnu::warn_unused_result]] bool await_resume() {
        if (task != nullptr) detail::Scheduler::check_cancelled([this] { give_back(); });
        if (!granted()) return false; // the queue is gone
        queue_.state_.end_put(*this);
        return queue_.put_nowait(std::forward<U>(value_));
    }

private:
    // The room that was promised to us goes to the next.
    void give_back() noexcept {
        if (!granted()) return;
        queue_.state_.end_put(*this);
        queue_.state_.grant_available();
    }

    Queue& queue_;
    U value_; // a reference: the value is the caller's until it is accepted
};

} // namespace ROUSE_ABI
} // namespace rouse
