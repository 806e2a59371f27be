// Catch2, version 2 (Debian 12) or 3.
//
// No co_await inside of CHECK or REQUIRE: the macros name their expression a second time in the condition of a
// do-while, which GCC 12 then evaluates. Take it into a variable first.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace test {

/// Matches a string that has this part, under the name of Catch2 3.
#if __has_include(<catch2/catch_all.hpp>)
using Catch::Matchers::ContainsSubstring;
#else
inline auto ContainsSubstring(const std::string& part) { return Catch::Matchers::Contains(part); }
#endif

} // namespace test
