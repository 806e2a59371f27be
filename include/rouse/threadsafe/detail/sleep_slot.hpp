// SleepSlot: the word in which one side of a queue announces that it sleeps.
#pragma once

#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/ports/detail/parked_thread.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A sleeping task or thread that another context may wake. A bit of the word says which of the two it is, because that
/// must not be looked up in the object itself (see InboxItem::wake).
class Sleeper {
public:
    Sleeper(InboxItem& task) noexcept : word_{reinterpret_cast<std::uintptr_t>(&task)} {}
#if ROUSE_HOSTED
    Sleeper(ParkedThread& thread) noexcept : word_{reinterpret_cast<std::uintptr_t>(&thread) | is_thread} {}
#endif

    /// Called once, by the context that has taken the sleeper out of its slot. The object may be gone as soon as the
    /// wake has reached it.
    void wake() const noexcept {
#if ROUSE_HOSTED
        if ((word_ & is_thread) != 0) {
            reinterpret_cast<ParkedThread*>(word_ & ~is_thread)->wake();
            return;
        }
#endif
        reinterpret_cast<InboxItem*>(word_)->wake();
    }

private:
    friend class SleepSlot;
    explicit Sleeper(std::uintptr_t word) noexcept : word_{word} {}

    static constexpr std::uintptr_t is_thread = 1;

    std::uintptr_t word_;
};

/// Holds the sleeper of one side of a queue, or nothing.
///
/// announce() and withdraw() are for the side that sleeps; wake() and wake_and_synchronize() may be called from any
/// context. Every change is a read-modify-write, so exactly one context takes a sleeper out: either the sleeper itself,
/// or another context, which then must wake it.
///
/// To go to sleep:           announce(), heavy_barrier(), look again, and withdraw() if there is something to do.
/// After publishing a change: light_barrier(), wake().
/// At least one of the two sides sees the other's store.
class SleepSlot {
public:
    constexpr SleepSlot() noexcept = default;

    /// Puts `sleeper` into the slot. Returns false if there is one already.
    //
    // release: what is in the sleeper, for the acquire in wake_and_synchronize(). acquire: pairs with the release
    // there; shows what a context did before it emptied this slot (close()).
    [[nodiscard]] bool announce(Sleeper sleeper) noexcept {
        std::uintptr_t expected = empty;
        return sleeper_.compare_exchange_strong(expected, sleeper.word_, std::memory_order_acq_rel,
                                                std::memory_order_relaxed);
    }

    /// Takes `sleeper` out of the slot. Returns false if another context has taken it; its wake() has then arrived or
    /// is about to.
    //
    // Relaxed: if it succeeds, no other context has touched the slot since announce().
    [[nodiscard]] bool withdraw(Sleeper sleeper) noexcept {
        std::uintptr_t expected = sleeper.word_;
        return sleeper_.compare_exchange_strong(expected, empty, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Wakes the sleeper, if there is one. Costs only a load if there is none.
    void wake() noexcept {
        if (sleeper_.load(std::memory_order_relaxed) != empty) [[unlikely]]
            wake_and_synchronize();
    }

    /// Like wake(), but writes the slot in any case, so that the next sleeper to announce itself sees what was done
    /// before this call. Out of line, because inlined it would make every put and get save six registers for a case
    /// that is rare.
    //
    // release and acquire: pair with those in announce().
    [[gnu::noinline, gnu::cold]] void wake_and_synchronize() noexcept {
        const std::uintptr_t taken = sleeper_.exchange(empty, std::memory_order_acq_rel);
        if (taken != empty) Sleeper{taken}.wake();
    }

private:
    static constexpr std::uintptr_t empty = 0;

    Atomic<std::uintptr_t> sleeper_{empty}; // set by the sleeping side; cleared by it or by any other context
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
