// Found before rouse's own default_port.hpp on the include path, so that run() has a clock that jumps from deadline to
// deadline, and programs run unchanged, at once, and the same way every time.
#pragma once

#include <rouse/core/loop.hpp>
#include <rouse/ports/virtual_time.hpp>

namespace rouse {
inline namespace ROUSE_ABI {

using DefaultPort = VirtualTimePort;

namespace detail {

template <class T>
struct DefaultPortOf<T, void> {
    using type = DefaultPort;
};

} // namespace detail

} // namespace ROUSE_ABI
} // namespace rouse
