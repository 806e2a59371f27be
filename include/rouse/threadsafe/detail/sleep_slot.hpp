// SleepSlot: the word in which one side of a queue says that it sleeps.
#pragma once

#include <cstdint>

#include <rouse/core/detail/atomic.hpp>
#include <rouse/core/detail/inbox.hpp>
#include <rouse/ports/detail/parked_thread.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// One who sleeps and that another context may wake: a parked task, or a parked thread. Which of the two stands in a
/// bit of the word, as it must not be looked up in the object (see InboxItem::wake).
class Sleeper {
public:
    Sleeper(InboxItem& task) noexcept : word_{reinterpret_cast<std::uintptr_t>(&task)} {}
#if ROUSE_HOSTED
    Sleeper(ParkedThread& thread) noexcept : word_{reinterpret_cast<std::uintptr_t>(&thread) | is_thread} {}
#endif

    /// By the one who took the sleeper out of its slot, once. It may be gone as soon as this has let it go.
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

/// Holds the sleeper of one side, or nothing. Every change is a read-modify-write, so that exactly one context takes a
/// sleeper out: one on the other side, which then has to wake it, or the sleeper itself.
///
/// The side that goes to sleep: announce, heavy_barrier, look again, and withdraw if there is something to do.
/// The side that has done something: publish it, light_barrier, rouse. One of them sees the other.
class SleepSlot {
public:
    constexpr SleepSlot() noexcept = default;

    /// False if there is a sleeper already. Release: of the sleeper. Acquire: of what a context that has taken a
    /// sleeper out of this slot before did before it (close()).
    [[nodiscard]] bool announce(Sleeper sleeper) noexcept {
        std::uintptr_t expected = nobody;
        return sleeper_.compare_exchange_strong(expected, sleeper.word_, std::memory_order_acq_rel,
                                                std::memory_order_relaxed);
    }

    /// False if somebody has taken the sleeper: then its wake() has come, or is on its way. Relaxed: if it succeeds,
    /// nobody has come by since announce().
    [[nodiscard]] bool withdraw(Sleeper sleeper) noexcept {
        std::uintptr_t expected = sleeper.word_;
        return sleeper_.compare_exchange_strong(expected, nobody, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    /// Wakes the sleeper if there is one; only a load if there is none. From any context.
    void rouse() noexcept {
        if (sleeper_.load(std::memory_order_relaxed) != nobody) [[unlikely]]
            rouse_surely();
    }

    /// The same, and synchronises with the next one to announce itself, so that it sees what was done before. Out of
    /// line, as with it a put or a get would save six registers for what happens when somebody sleeps.
    [[gnu::noinline, gnu::cold]] void rouse_surely() noexcept {
        const std::uintptr_t taken = sleeper_.exchange(nobody, std::memory_order_acq_rel);
        if (taken != nobody) Sleeper{taken}.wake();
    }

private:
    static constexpr std::uintptr_t nobody = 0;

    Atomic<std::uintptr_t> sleeper_{nobody}; // written by the sleeping side, emptied by it or by another
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
