// DefaultPort: the port of this platform; and run(), which uses it.
#pragma once

#include <utility>

#include <rouse/core/task_handle.hpp>

#if defined(__linux__)
#include <rouse/ports/epoll.hpp>
#endif

namespace rouse::inline ROUSE_ABI {

#if defined(__linux__)
/// The port that run() makes on this platform.
using DefaultPort = EpollPort;

/// Runs `main` on a new loop on the default port: returns what it returns, throws what it throws; tasks that are left
/// when it ends are cancelled first, and finish.
template <class T>
T run(Task<T> main) {
    DefaultPort port;
    Loop loop{port};
    return loop.run(std::move(main));
}
#endif

} // namespace rouse::inline ROUSE_ABI
