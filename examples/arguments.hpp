// What the examples do with their arguments.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace example {

/// The one argument that a program may have: a whole number from 1. `otherwise` if there is none; nothing, and then the
/// program should say how it is used, if it is something else.
inline std::optional<int> count_argument(int argc, char** argv, int otherwise) {
    if (argc == 1) return otherwise;
    const std::string_view text = argv[1];
    int count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (argc > 2 || error != std::errc{} || end != text.data() + text.size() || count < 1) return std::nullopt;
    return count;
}

} // namespace example
