// What the examples do with their arguments.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace example {

/// Reads a whole number that is all of `text`; false if it is not, or too large.
template <class T>
bool parse_number(std::string_view text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// The one argument that a program may have: a whole number from 1. `otherwise` if there is none; nothing, and then the
/// program should say how it is used, if it is something else.
inline std::optional<int> count_argument(int argc, char** argv, int otherwise) {
    if (argc == 1) return otherwise;
    int count = 0;
    if (argc > 2 || !parse_number(argv[1], count) || count < 1) return std::nullopt;
    return count;
}

} // namespace example
