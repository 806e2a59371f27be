// SleeperStack: the word in which any number of producers announce that they sleep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/threadsafe/detail/sleep_slot.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A sleeper's place in a SleeperStack. It is in the stack, or taken from it and not yet woken, from push() until
/// withdraw() returns true or the wake arrives; it must exist until then.
struct StackedSleeper {
    explicit StackedSleeper(Sleeper the_sleeper) noexcept : sleeper{the_sleeper} {}

    Sleeper sleeper;
    StackedSleeper* next = nullptr; // the one pushed before it; once taken, the one to be woken after it
    bool leaves = false;            // it is counted in leaving_; only for the sleeper itself
};

/// Holds the sleepers of one side of a queue: those that wait for room. push(), withdraw() and woken() are for the
/// sleepers, of any number of contexts; wake_oldest() is for the one context that makes room; wake_all() may be called
/// from any context.
///
/// Whoever wants a sleeper out takes them all, by one exchange. There is no removal from the middle, so no node is read
/// that another context may have removed, and a stack that has become the same again in the meantime (ABA) does no
/// harm. A sleeper that leaves wakes all others, in the order in which they were pushed, perhaps for no reason: they
/// look again. The context that makes room wakes as many as there is room for, and puts the others back.
///
/// To go to sleep:            push(), heavy_barrier(), look again, and withdraw() if there is room.
/// After publishing a change: light_barrier(), then wake_oldest() or wake_all() if any().
/// At least one of the two sides sees the other's store.
//
// A sleeper that leaves while another context has taken it, to put it back, does not find itself. So it counts itself
// in leaving_, and looks once more. The other context, having put the sleepers back, looks at leaving_. If it puts them
// back before that second look, the sleeper finds itself; if after, it has acquired what the look has released, and
// sees the count. No barrier is needed, as both are read-modify-writes of one word.
//
// A sleeper that is woken because there is room need not take it: it leaves, or found room before that. Then another
// must be woken in its place. It is: withdraw() wakes all others before it returns false, and those that are pushed
// later see the room, which was made before. So, while there is room and a sleeper in the stack that found none, a
// context is on its way that has been woken, and takes room or wakes all.
class SleeperStack {
public:
    constexpr SleeperStack() noexcept = default;

    /// Announces a sleeper. Lock-free: it repeats only if another context has changed the stack meanwhile.
    void push(StackedSleeper& sleeper) noexcept {
        std::uintptr_t newest = newest_.load(std::memory_order_relaxed);
        do {
            sleeper.next = reinterpret_cast<StackedSleeper*>(newest);
            // release: the sleeper, for the acquire in take_all(). acquire: pairs with the release there; shows what a
            // context did before it emptied the stack (close()).
        } while (!newest_.compare_exchange_weak(newest, reinterpret_cast<std::uintptr_t>(&sleeper),
                                                std::memory_order_acq_rel, std::memory_order_relaxed));
    }

    /// Takes `sleeper` out, and wakes all others. Returns false if another context has taken it: its wake has arrived
    /// or is about to. Then it must call woken() after that.
    [[nodiscard]] bool withdraw(StackedSleeper& sleeper) noexcept {
        if (wake_all_but(&sleeper)) return true;
        if (!sleeper.leaves) {
            sleeper.leaves = true;
            leaving_.fetch_add(1, std::memory_order_relaxed);
        }
        if (!wake_all_but(&sleeper)) return false;
        stop_leaving(sleeper);
        return true;
    }

    /// Must be called by a sleeper for which withdraw() has returned false, once its wake has arrived. Does nothing for
    /// any other.
    void woken(StackedSleeper& sleeper) noexcept {
        if (sleeper.leaves) stop_leaving(sleeper);
    }

    /// Whether there may be sleepers. Costs a load.
    [[nodiscard]] bool any() const noexcept { return newest_.load(std::memory_order_relaxed) != none; }

    /// Wakes up to `count` sleepers, the oldest first, and puts the others back. After that the caller must look
    /// whether the queue has been closed, and call wake_all() if so: close() may have come while the stack was empty.
    /// It sees that, because putting back acquires what the exchange in wake_all() has released.
    void wake_oldest(std::size_t count) noexcept {
        StackedSleeper* newest = take_all();
        std::size_t length = 0;
        for (StackedSleeper* each = newest; each != nullptr; each = each->next) ++length;
        StackedSleeper** cut = &newest;
        for (; length > count; --length) cut = &(*cut)->next;
        StackedSleeper* const due = std::exchange(*cut, nullptr);
        if (newest != nullptr) put_back(newest);
        wake_each(due, nullptr);
    }

    /// Wakes all sleepers. It writes the word in any case, so that the next sleeper sees what was done before this
    /// call.
    [[gnu::noinline, gnu::cold]] void wake_all() noexcept { static_cast<void>(wake_all_but(nullptr)); }

private:
    static constexpr std::uintptr_t none = 0;

    // Returns whether `except` was in the stack.
    bool wake_all_but(const StackedSleeper* except) noexcept { return wake_each(take_all(), except); }

    // Wakes the sleepers of a list, the last one first, except `except`. Returns whether that was in it.
    static bool wake_each(StackedSleeper* newest, const StackedSleeper* except) noexcept {
        StackedSleeper* oldest = nullptr;
        while (newest != nullptr) {
            StackedSleeper* const older = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = older;
        }
        bool found = false;
        while (oldest != nullptr) {
            StackedSleeper& sleeper = *oldest;
            oldest = sleeper.next; // read first: a sleeper that was woken may be gone
            if (&sleeper == except) {
                found = true;
            } else {
                sleeper.sleeper.wake();
            }
        }
        return found;
    }

    // Empties the stack. Returns its sleepers, the newest first.
    StackedSleeper* take_all() noexcept {
        // acquire: pairs with the releases in push() and put_back(). release: pairs with the acquires there.
        return reinterpret_cast<StackedSleeper*>(newest_.exchange(none, std::memory_order_acq_rel));
    }

    // Puts sleepers back below those that were pushed meanwhile. Lock-free: it repeats only if there are such.
    void put_back(StackedSleeper* newest) noexcept {
        std::uintptr_t expected = none;
        // release, acquire: as in push().
        while (!newest_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(newest),
                                                std::memory_order_acq_rel, std::memory_order_relaxed)) {
            expected = none;
            StackedSleeper* const newer = take_all();
            if (newer == nullptr) continue;
            StackedSleeper* last = newer;
            while (last->next != nullptr) last = last->next;
            last->next = newest;
            newest = newer;
        }
        if (leaving_.load(std::memory_order_relaxed) != 0) wake_all();
    }

    void stop_leaving(StackedSleeper& sleeper) noexcept {
        sleeper.leaves = false;
        // It only saves time: while the count is not zero, putting sleepers back wakes them all.
        leaving_.fetch_add(-1, std::memory_order_relaxed);
    }

    Atomic<std::uintptr_t> newest_{none}; // the sleeper that was pushed last
    Atomic<int> leaving_{0};              // how many sleepers leave and have not found themselves
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
