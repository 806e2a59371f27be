// interrupted(): a flag that Ctrl-C (SIGINT) and SIGTERM set, so that a program can end cleanly. A second Ctrl-C
// ends it at once.
#pragma once

#include <csignal>

#include <rouse/threadsafe/thread_safe_flag.hpp>

namespace example {

inline constinit rouse::ThreadSafeFlag interrupted_flag;

/// Installs the handlers at the first call.
inline rouse::ThreadSafeFlag& interrupted() {
    [[maybe_unused]] static const bool installed = [] {
        struct sigaction action{};
        action.sa_handler = [](int) { interrupted_flag.set(); };
        action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
        return ::sigaction(SIGINT, &action, nullptr) == 0 && ::sigaction(SIGTERM, &action, nullptr) == 0;
    }();
    return interrupted_flag;
}

} // namespace example
