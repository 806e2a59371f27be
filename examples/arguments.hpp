// What the examples do with their arguments. --help prints how a program is used, and its status is 0; wrong arguments
// print the same on stderr, and the status is 2.
#pragma once

#include <charconv>
#include <climits>
#include <cstdio>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

namespace example {

/// Reads a whole number that is all of `text`; false if it is not, or too large.
template <class T>
bool parse_number(std::string_view text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Returns what main() should return at once, if it should: after --help, which prints `usage`; and after any other
/// option, or more than `most` arguments. Arguments from number `free` on may begin with a dash.
inline std::optional<int> wrong_arguments(int argc, char** argv, int most, std::string_view usage, int free = INT_MAX) {
    bool wrong = argc > most + 1;
    for (int i = 1; i < argc && i < free; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") {
            fmt::print("usage: {}\n", usage);
            return 0;
        }
        wrong = wrong || (argument.size() > 1 && argument.front() == '-');
    }
    if (!wrong) return std::nullopt;
    fmt::print(stderr, "usage: {}\n", usage);
    return 2;
}

/// Prints how the program is used, and returns what main() should return after wrong arguments.
inline int refuse(std::string_view usage) {
    fmt::print(stderr, "usage: {}\n", usage);
    return 2;
}

/// The one argument that a program may have: a whole number from 1. `otherwise` if there is none; nothing if it is
/// something else.
inline std::optional<int> count_argument(int argc, char** argv, int otherwise) {
    if (argc == 1) return otherwise;
    int count = 0;
    if (argc > 2 || !parse_number(argv[1], count) || count < 1) return std::nullopt;
    return count;
}

} // namespace example
