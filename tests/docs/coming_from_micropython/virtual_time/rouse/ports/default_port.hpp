// Stands before rouse's own default_port.hpp on the include path, so that run() has a clock that jumps from deadline to
// deadline, and programs run unchanged, at once, and the same way every time.
#pragma once

#include <utility>

#include <rouse/core/task_handle.hpp>
#include <rouse/ports/virtual_time.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

using DefaultPort = VirtualTimePort;

template <class T>
T run(Task<T> main) {
    DefaultPort port;
    Loop loop{port};
    return loop.run(std::move(main));
}

} // namespace ROUSE_ABI
} // namespace rouse
