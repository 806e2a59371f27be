// SleepSlot: the word in which one side of a queue says that it sleeps.
#pragma once

#include <rouse/core/atomic.hpp>
#include <rouse/core/inbox.hpp>

namespace rouse::inline ROUSE_ABI::core {

/// Holds the sleeper of one side, or null. Every change is a read-modify-write, so that exactly one context takes a
/// sleeper out: one on the other side, which then has to wake it, or the sleeper itself.
///
/// The side that goes to sleep: announce, heavy_barrier, look again, and withdraw if there is something to do.
/// The side that has done something: publish it, light_barrier, rouse. One of them sees the other.
class SleepSlot {
public:
    constexpr SleepSlot() noexcept = default;

    /// False if there is a sleeper already. Release: of the sleeper. Acquire: of what a context that has taken a
    /// sleeper out of this slot before did before it (close()).
    [[nodiscard]] bool announce(Sleeper& sleeper) noexcept {
        Sleeper* expected = nullptr;
        return sleeper_.compare_exchange_strong(expected, &sleeper, std::memory_order_acq_rel,
                                                std::memory_order_relaxed);
    }

    /// False if somebody has taken the sleeper: then its wake() has come, or is on its way.
    [[nodiscard]] bool withdraw(Sleeper& sleeper) noexcept {
        Sleeper* expected = &sleeper;
        return sleeper_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel,
                                                std::memory_order_relaxed);
    }

    /// Wakes the sleeper if there is one; only a load if there is none. From any context.
    void rouse() noexcept {
        if (sleeper_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
            rouse_surely();
    }

    /// The same, and synchronises with the next one to announce itself, so that it sees what was done before.
    void rouse_surely() noexcept {
        if (Sleeper* sleeper = sleeper_.exchange(nullptr, std::memory_order_acq_rel)) sleeper->wake();
    }

private:
    Atomic<Sleeper*> sleeper_{nullptr}; // written by the sleeping side, emptied by it or by another
};

} // namespace rouse::inline ROUSE_ABI::core
