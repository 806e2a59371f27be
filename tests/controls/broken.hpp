// Which of the faults that have been built into this program is on: see checks/switched.py.
#pragma once

#include <chrono>
#include <cstdlib>
#include <thread>

namespace controls {

inline const int broken = [] {
    const char* const number = std::getenv("ROUSE_BROKEN");
    return number == nullptr ? 0 : std::atoi(number);
}();

// Where a fault shows only if others act within a few instructions: this is no fault, but lets them.
inline void dawdle() { std::this_thread::sleep_for(std::chrono::microseconds{200}); }

} // namespace controls
