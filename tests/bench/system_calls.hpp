// The system calls that a thread has made, as counted by libsystem_calls.so if it is preloaded (see system_calls.cpp).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include <dlfcn.h>

namespace bench {

struct SystemCalls {
    enum Kind : std::size_t { receive, send, wait, epoll_ctl, other, kinds };
    static constexpr std::array<const char*, kinds> names{"recv", "send", "wait", "epoll_ctl", "other"};

    std::array<std::atomic<long>, kinds> counts{}; // written by their thread

    /// Those of the calling thread; null if they are not counted.
    static SystemCalls* of_this_thread() {
        static const auto find =
            reinterpret_cast<SystemCalls* (*)()>(::dlsym(RTLD_DEFAULT, "rouse_bench_system_calls"));
        return find == nullptr ? nullptr : find();
    }
};

} // namespace bench
