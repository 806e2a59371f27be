// QueueState: everything in a Queue except its items: their number, the waiting tasks, and the reservations.
#pragma once

#include <cstddef>
#include <cstdint>

#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/detail/misuse.hpp>
#include <rouse/sync/detail/grant_queue.hpp>
#include <rouse/sync/event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// The part of a Queue that does not depend on the type of the items.
///
/// An item that is granted to a waiting getter is reserved until that task takes it, and so is room for a putter. So a
/// getter waits only while every item is reserved for an earlier getter, and a putter only while all room is reserved
/// for earlier putters. Once the queue is closed, no room is reserved any more: a grant tells a putter that it is
/// refused. Once the queue is also drained, a grant tells a getter that there are no more items.
class QueueState {
public:
    static constexpr std::size_t no_limit = SIZE_MAX;

    constexpr explicit QueueState(std::size_t limit) noexcept : limit_{limit} {}

    /// The loop whose tasks use the queue.
    [[nodiscard]] const LoopOwner& owner() const noexcept { return owner_; }

    /// Whether a task waits, or has a reservation and has not resumed yet.
    [[nodiscard]] bool waiting() const noexcept { return getters_.waiting() || putters_.waiting(); }

    /// Whether a task waits for room, or has room reserved and has not resumed yet.
    [[nodiscard]] bool has_putters() const noexcept { return putters_.waiting(); }

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] bool drained() const noexcept { return closed_ && size_ == 0; }

    /// Whether there is an item that is not reserved.
    [[nodiscard]] bool can_get() const noexcept { return size_ > reserved_items_; }

    /// Whether the queue is open and has room that is not reserved.
    [[nodiscard]] bool can_put() const noexcept { return !closed_ && limit_ - size_ > reserved_room_; }

    /// Counts an item that was put.
    void item_added() noexcept {
        ++size_;
        ++unfinished_;
        finished_.clear();
    }

    /// Counts an item that was taken.
    void item_removed() noexcept { --size_; }

    /// Counts an item that was dropped, so that no consumer will process it.
    void item_dropped() noexcept {
        --size_;
        if (unfinished_ > 0 && --unfinished_ == 0) finished_.set(); // 0: task_done() came too early
    }

    void close() noexcept {
        closed_ = true;
        grant_available();
    }

    /// Grants available items and room to the waiting tasks, in order. Must be called after every change.
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

    // ---- getting: begin_get(); if false, wait_to_get(), and if true, keep_get() where the task is suspended; then
    // end_get(), before the item is taken or passed on ----

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
    void keep_get(GrantWaiter& waiter) noexcept { getters_.keep(waiter); }
    void end_get(GrantWaiter& waiter) noexcept {
        waiter.end_grant();
        if (!drained()) --reserved_items_;
    }

    // ---- putting, likewise ----

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
    void keep_put(GrantWaiter& waiter) noexcept { putters_.keep(waiter); }
    void end_put(GrantWaiter& waiter) noexcept {
        waiter.end_grant();
        --reserved_room_; // has no meaning once the queue is closed
    }

    // ---- join and task_done ----

    [[nodiscard]] auto join() {
        if (unfinished_ == 0) finished_.set();
        return finished_.wait();
    }
    void task_done() {
        if (unfinished_ == 0)
            misuse("rouse: Queue::task_done: called more often than items were put; call it once for each item");
        if (--unfinished_ == 0) finished_.set();
    }

private:
    std::size_t limit_;
    std::size_t size_ = 0;
    std::size_t reserved_items_ = 0; // for getters that have a grant and have not resumed; never more than size_
    std::size_t reserved_room_ = 0;  // for putters that have a grant and have not resumed
    std::size_t unfinished_ = 0;     // items put, minus calls of task_done()
    GrantQueue getters_;
    GrantQueue putters_;
    Event finished_; // set by join() and task_done() when unfinished_ is zero; cleared by each put
    bool closed_ = false;
    [[no_unique_address]] LoopOwner owner_;
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
