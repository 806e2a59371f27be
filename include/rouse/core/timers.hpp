// Timers: what a loop keeps its running timers in. With an operating system there may be a hundred thousand of them,
// and twelve kilobytes for the loop do not matter; on firmware it is the other way round.
#pragma once

#include <rouse/core/config.hpp>

#if ROUSE_HOSTED
#include <rouse/core/timer_wheel.hpp>
#else
#include <rouse/core/timer_heap.hpp>
#endif

namespace rouse::inline ROUSE_ABI::core {

#if ROUSE_HOSTED
using Timers = TimerWheel;
#else
using Timers = TimerHeap;
#endif

} // namespace rouse::inline ROUSE_ABI::core
