// Which of the faults that have been built into this program is on: see checks/switched.py.
#pragma once

#include <cstdlib>

namespace controls {

inline const int broken = [] {
    const char* const number = std::getenv("ROUSE_BROKEN");
    return number == nullptr ? 0 : std::atoi(number);
}();

} // namespace controls
