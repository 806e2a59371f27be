// run_main(): what main() does once it has understood its arguments. Ctrl-C ends the program cleanly, and an error is a
// line on stderr.
#pragma once

#include <cstdio>
#include <exception>

#include <fmt/core.h>

#include <rouse/io/run_interruptible.hpp>
#include <rouse/rouse.hpp>

namespace example {

/// Runs the Task<int> that make_main() returns, and returns its result for main() to return; after an error, 1. Ctrl-C
/// and SIGTERM cancel it; then returns 128 and the number of the signal, as a shell does.
template <class F>
int run_main(const char* program, F make_main) {
    try {
        return rouse::run_interruptible(make_main());
    } catch (const rouse::Interrupted& interrupted) {
        return interrupted.exit_status();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", program, error.what());
        return 1;
    }
}

/// The same for a server, whose Task<> has no result: Ctrl-C is the usual end of it, so the status is 0.
template <class F>
int run_server(const char* program, F make_main) {
    try {
        rouse::run_interruptible(make_main());
    } catch (const rouse::Interrupted&) {
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", program, error.what());
        return 1;
    }
    return 0;
}

} // namespace example
