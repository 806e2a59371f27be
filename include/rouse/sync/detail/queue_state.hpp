// QueueState: all of a Queue but its items: how many there are, who waits, and what is promised to whom.
#pragma once

#include <cstddef>
#include <cstdint>

#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/grant_queue.hpp>
#include <rouse/sync/event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Getters wait only while every item is promised to one that was called before them; putters only while all room is.
/// Once the queue is closed there is no more room to promise. Once it is also drained there are no more items, so every
/// getter that is called then is called to be told so.
class QueueState {
public:
    static constexpr std::size_t no_limit = SIZE_MAX;

    constexpr explicit QueueState(std::size_t limit) noexcept : limit_{limit} {}

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] bool drained() const noexcept { return closed_ && size_ == 0; }

    /// Whether there is an item that is not promised.
    [[nodiscard]] bool can_get() const noexcept { return size_ > reserved_items_; }

    /// Whether there is room that is not promised.
    [[nodiscard]] bool can_put() const noexcept { return !closed_ && limit_ - size_ > reserved_room_; }

    /// An item was put.
    void item_added() noexcept {
        ++size_;
        ++unfinished_;
        finished_.clear();
    }

    /// An item was taken.
    void item_removed() noexcept { --size_; }

    void close() noexcept {
        closed_ = true;
        grant_available();
    }

    /// Promises what there is, in order. To be called after every change.
    void grant_available() noexcept {
        if (drained()) {
            while (getters_.grant_next()) {
            }
        } else {
            while (can_get() && getters_.grant_next()) ++reserved_items_;
        }
        if (closed_) {
            while (putters_.grant_next()) {
            }
        } else {
            while (can_put() && putters_.grant_next()) ++reserved_room_;
        }
    }

    // ---- a task that gets: begin_get() is true, or it waits; then end_get(), before it takes its item or gives it up

    bool begin_get(GrantWaiter& waiter) noexcept {
        if (can_get()) {
            ++reserved_items_;
        } else if (!drained()) {
            return false;
        }
        getters_.grant(waiter);
        return true;
    }
    void wait_to_get(GrantWaiter& waiter) noexcept { getters_.wait(waiter); }
    void end_get(GrantWaiter& waiter) noexcept {
        waiter.end_grant();
        if (!drained()) --reserved_items_;
    }

    // ---- a task that puts -------------------------------------------------------------------------------------------

    bool begin_put(GrantWaiter& waiter) noexcept {
        if (can_put()) {
            ++reserved_room_;
        } else if (!closed_) {
            return false;
        }
        putters_.grant(waiter);
        return true;
    }
    void wait_to_put(GrantWaiter& waiter) noexcept { putters_.wait(waiter); }
    void end_put(GrantWaiter& waiter) noexcept {
        waiter.end_grant();
        --reserved_room_; // of no account once the queue is closed
    }

    // ---- join and task_done -----------------------------------------------------------------------------------------

    [[nodiscard]] auto join() noexcept {
        if (unfinished_ == 0) finished_.set();
        return finished_.wait();
    }
    void task_done() {
        if (unfinished_ == 0) misuse("rouse: Queue::task_done: called more often than items were put");
        if (--unfinished_ == 0) finished_.set();
    }

private:
    std::size_t limit_;
    std::size_t size_ = 0;
    std::size_t reserved_items_ = 0; // to getters that have been called and have not run; never more than size_
    std::size_t reserved_room_ = 0;  // to putters likewise
    std::size_t unfinished_ = 0;     // items put, less the task_done()s
    GrantQueue getters_;
    GrantQueue putters_;
    Event finished_; // clear while something is unfinished
    bool closed_ = false;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
