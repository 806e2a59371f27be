// Message: an event that carries a value, and that any context sets.
#pragma once

#include <type_traits>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/copyable.hpp>
#include <rouse/core/detail/frame_alignment.hpp>
#include <rouse/core/detail/loop_owner.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// An event that carries a value. Any number of contexts set it, the newest value wins, and any number of tasks wait
/// for it.
///
/// `set()` and `is_set()` may be called from any context: a task, another thread or core, a signal handler, an
/// interrupt. From the last two, moving and destroying a T must be safe there, as it is for plain data. Everything else
/// is for one loop: the one whose tasks wait. A task that begins to wait while tasks of another loop are waiting gets a
/// UsageError; otherwise a second loop is not detected, so two loops must not share a message. The message must outlive
/// the tasks that wait for it, and every `set()` must have returned before it is destroyed; destroying it on another
/// thread while a task waits panics.
///
/// Every task that waits when the message is set gets that value or a newer one, and never a torn one. A cancelled wait
/// takes nothing. If copying the value throws, the wait throws, and value() still returns it.
///
/// At most `Setters` calls of `set()` may be in progress at one instant, including those that an interrupt or another
/// thread has suspended; a further one is refused. The message stores `Setters` + 2 values. Nothing is allocated except
/// the frames of wait() and next(). It can be `constinit` if T can.
//
// The slots: one belongs to the reader, one holds the newest value, and the others are free or being filled by a
// setter. The word `newest_` holds the number of the slot with the newest value, and whether it is fresh: left there by
// a setter and not yet fetched. The word `free_` has a bit for each free slot.
//
//     set():    claim a free slot; fill it; exchange it for the newest one, marked fresh; free that one; set the event
//     fetch():  if the newest slot is fresh, exchange the own slot for it, unmarked
//
// A value cannot tear, because only its owner touches a slot, and each number is in exactly one place at any moment: a
// bit of free_, the hands of a setter, newest_, or reading_. While no more than Setters calls of set() are in progress,
// there is always a free slot, because the reader and newest_ hold only two. The setter that claims a slot acquires it
// from the setter that freed it. That one had taken it out of newest_ by an exchange, which acquired what the last
// owner did with the slot, and the freeing releases this in turn.
//
// The event does not say whether the message is set, because it may come late, for a value that has been cleared
// already. The message is set if a value is fresh, or has been fetched and not cleared (`held_`). The event only wakes
// the waiters, which then look.
template <class T, unsigned Setters = 4>
class Message {
    static_assert(Setters >= 1 && Setters <= 29, "rouse: Message: from 1 to 29 setters");
    static_assert(std::is_default_constructible_v<T> && detail::copyable<T>,
                  "rouse: Message: the value must be default constructible and copyable");
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>,
                  "rouse: Message: moving the value must not throw");
    static_assert(detail::aligned_in_frame<T>,
                  "rouse: Message: the value needs a stricter alignment than the coroutine frames have in which tasks "
                  "keep it; send a pointer to it");

public:
    /// The type of the values.
    using value_type = T;

    constexpr Message() = default;
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    /// Makes `value` the newest value and wakes all waiting tasks. Returns false, and changes nothing, if more than
    /// `Setters` calls are in progress at this instant; ignoring that produces a warning. May be called from any
    /// context; never waits. On one core it takes a bounded number of steps. On several it is lock-free: it retries if
    /// another setter has claimed or freed a slot, or is waking tasks of the same loop.
    [[nodiscard]] bool set(T value) noexcept {
        const unsigned mine = claim_free_slot();
        if (mine == no_slot) return false;
        slots_[mine] = std::move(value);
        // release: the slot's contents, for the acquire in fetch(). acquire: what the last owner of the other slot did
        // with it; pairs with the release of that owner's exchange, here or in fetch().
        const unsigned replaced = newest_.exchange(mine | fresh_bit, std::memory_order_acq_rel) & ~fresh_bit;
        free_.fetch_add(1U << replaced, std::memory_order_release); // pairs with the acquire in claim_free_slot()
        changed_.set();
        return true;
    }

    /// Clears the message; value() still returns the newest value. Tasks that a set() has already woken still return
    /// from their waits. Only on the loop.
    void clear() {
        owner_.check_thread(
            "rouse: Message::clear: called on another thread than that of the loop whose tasks use it; only set() and "
            "is_set() may be called from there");
        // The event first: tasks that a set() has woken are resumed in the order of waiting, even if some are
        // cancelled.
        changed_.clear();
        fetch();
        held_.store(false, std::memory_order_relaxed);
    }

    /// Whether there was a set() since the last clear() or next(). May be called from any context, but another may
    /// change the answer at once.
    [[nodiscard]] bool is_set() const noexcept {
        // acquire: pairs with the release of the exchange in fetch(), before which held_ was written.
        return (newest_.load(std::memory_order_acquire) & fresh_bit) != 0 || held_.load(std::memory_order_relaxed);
    }

    /// The newest value, whether the message is set or cleared; `T{}` before the first set(). Only on the loop.
    [[nodiscard]] T value() {
        owner_.check_thread(
            "rouse: Message::value: called on another thread than that of the loop whose tasks use it; only set() and "
            "is_set() may be called from there");
        fetch();
        return slots_[reading_];
    }

    /// `co_await message.wait()` waits until the message is set and returns the newest value. The message stays set.
    [[nodiscard]] Task<T> wait() {
        owner_.check_thread(
            "rouse: Message::wait: called on another thread than that of the loop whose tasks use it; use one message "
            "for each loop");
        const unsigned before = fetched_;
        while (!is_set() && fetched_ == before) co_await changed();
        co_return value();
    }

    /// `co_await message.next()` waits until the message is set, returns the newest value and clears the message.
    /// Values set after that are for the following call, so a single task that calls it in a loop never misses the
    /// newest one. If several tasks call it, all that wait at the moment of a set() get the value; a task that is busy
    /// then may find the message cleared.
    [[nodiscard]] Task<T> next() {
        owner_.check_thread(
            "rouse: Message::next: called on another thread than that of the loop whose tasks use it; use one message "
            "for each loop");
        const unsigned before = fetched_;
        while (!is_set() && fetched_ == before) co_await changed();
        clear();
        co_return slots_[reading_]; // clear() has fetched it
    }

private:
    static constexpr unsigned slot_count = Setters + 2;
    static constexpr unsigned fresh_bit = 1U << 31;
    static constexpr unsigned no_slot = slot_count;

    unsigned claim_free_slot() noexcept {
        unsigned free = free_.load(std::memory_order_relaxed);
        while (free != 0) {
            unsigned lowest = 0;
            while ((free >> lowest & 1U) == 0) ++lowest;
            // acquire: pairs with the release of the setter that freed the slot. It fails if another setter came first.
            if (free_.compare_exchange_strong(free, free & ~(1U << lowest), std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
                return lowest;
            }
        }
        return no_slot;
    }

    void fetch() noexcept {
        // The load only says whether there is something to fetch. The exchange orders: acquire pairs with the release
        // of the exchange in set(); release gives the own slot away, for the acquire there.
        if ((newest_.load(std::memory_order_relaxed) & fresh_bit) == 0) return;
        // Before the value ceases to be fresh, so that is_set() is not false in between.
        held_.store(true, std::memory_order_relaxed);
        reading_ = newest_.exchange(reading_, std::memory_order_acq_rel) & ~fresh_bit;
        ++fetched_;
    }

    // For a waiter that has found the message not set: waits for a later set(). Returns at once if there was one after
    // that look.
    auto changed() {
        changed_.clear();
        if (is_set()) changed_.set();
        return changed_.wait();
    }

    T slots_[slot_count] = {};
    detail::Atomic<unsigned> free_{(1U << slot_count) - 4U}; // one bit a slot, set if it is free; all but the two below
    detail::Atomic<unsigned> newest_{
        0};                // the slot with the newest value, and fresh_bit; exchanged by setters and the loop
    unsigned reading_ = 1; // the reader's slot; used by the loop only
    unsigned fetched_ = 0; // how often fetch() has fetched a value; used by the loop only
    detail::Atomic<bool> held_{false}; // the value in reading_ has not been cleared; written by the loop, read by all
    [[no_unique_address]] detail::LoopOwner owner_;
    ThreadSafeEvent changed_; // set by each setter after its exchange
};

} // namespace ROUSE_ABI
} // namespace rouse
