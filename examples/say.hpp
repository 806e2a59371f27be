// Printing a line for who watches, which may be another program that waits for it.
#pragma once

#include <cstdio>
#include <string>

#include <fmt/core.h>

namespace example {

/// Prints a line, at once.
inline void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

} // namespace example
