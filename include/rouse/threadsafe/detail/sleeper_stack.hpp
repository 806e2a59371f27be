// SleeperStack: the word in which any number of producers announce that they sleep.
#pragma once

#include <cstdint>

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
};

/// Holds the sleepers of one side of a queue. push() and withdraw() are for the sleepers, of any number of contexts;
/// the rest may be called from any context.
///
/// Whoever wants a sleeper out takes them all, by one exchange, and must wake all of them except itself, in the order
/// in which they were pushed. A sleeper is thus woken once at most, perhaps for no reason: it must look again. There is
/// no removal from the middle, so no node is read that another context may have removed, and a stack that has become
/// the same again in the meantime (ABA) does no harm.
///
/// To go to sleep:            push(), heavy_barrier(), look again, and withdraw() if there is something to do.
/// After publishing a change: light_barrier(), wake().
/// At least one of the two sides sees the other's store.
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

    /// Takes `sleeper` out, and wakes the others. Returns false if another context has taken it; its wake has then
    /// arrived or is about to.
    [[nodiscard]] bool withdraw(const StackedSleeper& sleeper) noexcept { return wake_all_but(&sleeper); }

    /// Wakes the sleepers, if there are any. Costs only a load if there are none.
    void wake() noexcept {
        if (newest_.load(std::memory_order_relaxed) != none) [[unlikely]]
            wake_and_synchronize();
    }

    /// Like wake(), but writes the word in any case, so that the next sleeper sees what was done before this call.
    [[gnu::noinline, gnu::cold]] void wake_and_synchronize() noexcept { (void)wake_all_but(nullptr); }

private:
    static constexpr std::uintptr_t none = 0;

    // Returns whether `self` was in the stack.
    bool wake_all_but(const StackedSleeper* self) noexcept {
        bool found = false;
        for (StackedSleeper* oldest = take_all(); oldest != nullptr;) {
            StackedSleeper& sleeper = *oldest;
            oldest = sleeper.next; // read first: a sleeper that was woken may be gone
            if (&sleeper == self) {
                found = true;
            } else {
                sleeper.sleeper.wake();
            }
        }
        return found;
    }

    // Empties the stack. Returns its sleepers in the order in which they were pushed.
    StackedSleeper* take_all() noexcept {
        // acquire: pairs with the releases in push(). release: pairs with the acquire there.
        auto* newest = reinterpret_cast<StackedSleeper*>(newest_.exchange(none, std::memory_order_acq_rel));
        StackedSleeper* oldest = nullptr;
        while (newest != nullptr) {
            StackedSleeper* const older = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = older;
        }
        return oldest;
    }

    Atomic<std::uintptr_t> newest_{none}; // the sleeper that was pushed last
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
