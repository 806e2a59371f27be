// Timer: wakes a task at a time, or limits how long it waits.
#pragma once

#include <cstdint>

#include <rouse/core/detail/task_record.hpp>
#include <rouse/core/port.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// A timer of a loop, which lives in the frame of the waiting coroutine. Scheduler::add_timer starts it and
/// remove_timer stops it. For the thread of the loop.
struct Timer : Waiter {
    TimePoint deadline{};
    // Its place among the running timers; see TimerHeap and TimerWheel.
    Timer* child = nullptr;   // the first of its children in the heap, which are due no earlier
    Timer* sibling = nullptr; // the next child of the same parent; the next in its list
    Timer* before =
        nullptr; // the previous sibling; for a first child, its parent; for the root, itself; null: not running
    std::uint32_t order : 29 = 0;    // the order in which timers were started, for those due at the same instant
    std::uint32_t action : 2 = wake; // what happens when it is due
    std::uint32_t late : 1 = 0;      // it was due, and has cancelled or interrupted `task`

    static constexpr std::uint32_t wake = 0;   // makes `task` ready, which waits in this timer
    static constexpr std::uint32_t cancel = 1; // cancels `task`
    static constexpr std::uint32_t interrupt =
        2; // ends the wait of `task`, whatever it waits in; see Scheduler::interrupt
};

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
