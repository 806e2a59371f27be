// Busy polling: before a loop sleeps it looks for a while, again and again, whether there is something to do. Being
// woken from a sleep takes an operating system microseconds; being found awake takes as long as a cache line from one
// core to the other. The price is the core's time.
#pragma once

#include <algorithm>
#include <chrono>

#include <rouse/core/loop.hpp>

#if ROUSE_BUSY_POLLING
namespace rouse::inline ROUSE_ABI {

namespace core {

/// Tells the CPU that this is a spinning loop: it saves power, and leaves more to the other thread of its core.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield" ::: "memory");
#endif
}

} // namespace core

inline void Loop::set_busy_poll(Clock::duration longest) noexcept {
    busy_poll_for_ = std::min<Clock::duration>(longest, std::chrono::hours{24});
    busy_poll_ = longest.count() > 0 ? &Loop::busy_poll : nullptr;
}

// The word of the inbox stays `empty` meanwhile, so whoever sends makes no system call; what comes after the last look
// is found by fall_asleep, which is what makes this safe. True if there is something to do.
inline bool Loop::busy_poll(Loop& loop) noexcept {
    constexpr int looks_per_round = 16;
    constexpr int fastest_round_ns = 64;
    TimePoint now = loop.port_.now();
    const TimePoint end = std::min(now + loop.busy_poll_for_, loop.next_deadline());
    // Rounds are counted too, so that this ends on a port whose clock stands still while nobody sleeps.
    for (auto left = (end - now).count() / fastest_round_ns; now < end && left > 0; --left) {
        for (int look = 0; look < looks_per_round; ++look) {
            if (!loop.inbox_.empty()) return true;
            core::spin_pause();
        }
        loop.wait_until(at_once); // input and output; a system call only if the port watches some
        if (!loop.ready_.empty()) return true;
        now = loop.port_.now();
    }
    return !loop.timers_.empty() && now >= loop.timers_.first_deadline();
}

} // namespace rouse::inline ROUSE_ABI
#endif
