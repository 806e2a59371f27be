// Timer: a task that waits for a time, or whose wait has a limit. It stands in the waiting frame.
#pragma once

#include <cstdint>

#include <rouse/core/detail/task_record.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

struct Timer : Waiter {
    TimePoint deadline{};
    // Its place among the others, see TimerHeap and TimerWheel.
    Timer* child = nullptr;   // the first of those due no earlier than this one
    Timer* sibling = nullptr; // the next child of the same parent; the next in its list
    Timer* before = nullptr; // the one before; the parent, of a first child; itself, of the root; null: it does not run
    std::uint32_t order : 29 = 0;    // the order of setting, among timers due at one instant
    std::uint32_t action : 2 = wake; // what happens when it is due
    std::uint32_t late : 1 = 0;      // it was due, and has cancelled or interrupted

    static constexpr std::uint32_t wake = 0;      // makes `task`, which waits in it, ready
    static constexpr std::uint32_t cancel = 1;    // cancels `task`
    static constexpr std::uint32_t interrupt = 2; // ends the wait of `task`, whatever it waits in
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
