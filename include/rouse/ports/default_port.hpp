// DefaultPort: the port that run() makes on this platform.
#pragma once

#include <rouse/core/loop.hpp>

#if defined(__linux__)
#include <rouse/ports/epoll.hpp>
#endif

namespace rouse {
inline namespace ROUSE_ABI {

#if defined(__linux__)
/// The port that run() makes on this platform.
using DefaultPort = EpollPort;

namespace detail {

template <class T>
struct DefaultPortOf<T, void> {
    using type = DefaultPort;
};

} // namespace detail
#endif

} // namespace ROUSE_ABI
} // namespace rouse
