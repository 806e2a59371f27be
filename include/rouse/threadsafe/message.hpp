// Message: an event that carries a value.
#pragma once

#include <type_traits>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/task.hpp>
#include <rouse/threadsafe/thread_safe_event.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

/// An event that carries a value: any number of contexts set it, the newest value wins, and any number of tasks wait.
///
/// set() and is_set() may be called from any context: a task, another thread or core, a signal handler, an interrupt;
/// from the last two if moving and destroying a T is fit for them, as it is for plain data. The rest belongs to one
/// loop, that of the tasks that wait.
///
/// All tasks that wait when it is set get a value: that one, or a newer one. A cancelled wait takes nothing; nor does
/// one whose copy of the value throws, in so far as value() still gives it. Tasks of two loops get a
/// UsageError if those of one wait already; else it is not noticed, and they must not share a message.
/// Nothing is allocated but the frames of wait() and next(); `constinit`-able if T is. It must outlive the tasks that
/// wait for it, and when it goes every set() must have returned.
///
/// `Setters` is how many may be in set() at one instant, counting those that an interrupt or another thread holds up
/// there. It costs room for two values more than that.
//
// The slots: one is the reader's, one has the newest value, and the others are free or being filled by a setter. The
// word `newest_` has the number of the one with the newest value, and whether it is fresh: put there by a setter and
// not yet fetched. The word `free_` has a bit for each free one.
//
//     set():    take a free slot; fill it; exchange it for the newest one, marked fresh; free that one; set the event
//     fetch():  if the newest one is fresh, exchange the own slot for it, unmarked
//
// It cannot tear, because a slot is touched only by the one who owns it, and each number is at any moment in just one
// place: a bit of free_, the hands of a setter, newest_, or reading_. With no more than Setters in set() there is a
// free slot at every instant, since two are elsewhere. The setter that fills a slot has acquired it from the one that
// freed it, who got it with an exchange that acquired what its last owner did with it, and released it in turn.
//
// Whether the message is set is not what the event says, which may come late, for a value that has been cleared
// already: it is whether a value is fresh, or fetched and not cleared (`held_`). The event rouses, and a waiter looks.
template <class T, unsigned Setters = 4>
class Message {
    static_assert(Setters >= 1 && Setters <= 29, "rouse: Message: from 1 to 29 setters");
    static_assert(std::is_default_constructible_v<T> && std::is_copy_constructible_v<T>,
                  "rouse: Message: the value must be default constructible and copyable");
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>,
                  "rouse: Message: moving the value must not throw");

public:
    /// What is set.
    using value_type = T;

    constexpr Message() = default;
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    /// Makes `value` the newest one, and rouses all that wait. From any context; it never waits. On one core it takes a
    /// bounded number of steps; with several it is lock-free: it tries again if another setter has taken or freed a
    /// slot. False, and nothing has changed, if more than Setters are in set() at this instant.
    [[nodiscard]] bool set(T value) noexcept {
        const unsigned mine = take_free();
        if (mine == none) return false;
        slots_[mine] = std::move(value);
        // release: the slot, for the acquire in fetch(). acquire: what the last owner of the other slot did with it.
        const unsigned replaced = newest_.exchange(mine | fresh_bit, std::memory_order_acq_rel) & ~fresh_bit;
        free_.fetch_add(1U << replaced, std::memory_order_release); // for the acquire in take_free()
        changed_.set();
        return true;
    }

    /// Forgets what has been set: from now on wait() waits. On the loop.
    void clear() noexcept {
        changed_.clear(); // those who wait have their turn in the order of waiting, whoever is cancelled until then
        fetch();
        held_.store(false, std::memory_order_relaxed);
    }

    /// Whether there was a set() since the last clear() or next().
    [[nodiscard]] bool is_set() const noexcept {
        // acquire: pairs with the exchange in fetch(), before which held_ was written.
        return (newest_.load(std::memory_order_acquire) & fresh_bit) != 0 || held_.load(std::memory_order_relaxed);
    }

    /// The newest value, set or cleared; `T{}` before the first set(). On the loop.
    [[nodiscard]] T value() {
        fetch();
        return slots_[reading_];
    }

    /// `co_await message.wait()`: waits until it is set, and gives the newest value. It stays set.
    [[nodiscard]] Task<T> wait() {
        const unsigned before = fetched_;
        while (!is_set() && fetched_ == before) co_await changed();
        co_return value();
    }

    /// `co_await message.next()`: waits until it is set, gives the newest value, and clears it. What is set from then
    /// on is for the next next(), so one task that calls it in a loop misses no newest value. Of several tasks, those
    /// that wait at the set() all get it; one that is busy then may find it cleared.
    [[nodiscard]] Task<T> next() {
        const unsigned before = fetched_;
        while (!is_set() && fetched_ == before) co_await changed();
        clear();
        co_return slots_[reading_]; // what clear() has fetched
    }

private:
    static constexpr unsigned slots = Setters + 2;
    static constexpr unsigned fresh_bit = 1U << 31;
    static constexpr unsigned none = slots;

    unsigned take_free() noexcept {
        unsigned free = free_.load(std::memory_order_relaxed);
        while (free != 0) {
            unsigned lowest = 0;
            while ((free >> lowest & 1U) == 0) ++lowest;
            // acquire: pairs with the release of the setter that freed it. It fails if another setter was faster.
            if (free_.compare_exchange_strong(free, free & ~(1U << lowest), std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
                return lowest;
            }
        }
        return none;
    }

    void fetch() noexcept {
        // The load only says whether there is something to fetch; it is the exchange that orders.
        if ((newest_.load(std::memory_order_relaxed) & fresh_bit) == 0) return;
        held_.store(true, std::memory_order_relaxed); // before it is no longer fresh: is_set() is never false between
        reading_ = newest_.exchange(reading_, std::memory_order_acq_rel) & ~fresh_bit;
        ++fetched_;
    }

    // For a waiter that has found it unset. Over at once if the event is of a set() that came after that look, since
    // one that came before was seen.
    auto changed() noexcept {
        changed_.clear();
        if (is_set()) changed_.set();
        return changed_.wait();
    }

    T slots_[slots] = {};
    detail::Atomic<unsigned> free_{(1U << slots) - 4U}; // all but the two below
    detail::Atomic<unsigned> newest_{0};
    unsigned reading_ = 1;             // the loop's slot; the loop's
    unsigned fetched_ = 0;             // how often; the loop's
    detail::Atomic<bool> held_{false}; // what is in the loop's slot has not been cleared; written by the loop
    ThreadSafeEvent changed_;          // set after each exchange of a setter's
};

} // namespace ROUSE_ABI
} // namespace rouse
