// How the checker ends an execution.
#pragma once

#include <string>

#include <rouse/check/explore.hpp>
#include <rouse/core/config.hpp>

namespace rouse {
inline namespace ROUSE_ABI {
namespace detail {

/// Ends the execution: this is wrong with it. Does not return.
[[noreturn]] void fail_execution(check::Failure kind, const std::string& why);

/// As above, but it is the checker that is broken or too small: no evidence about the program.
[[noreturn]] inline void fail_checker(const std::string& why) { fail_execution(check::Failure::checker, why); }

} // namespace detail
} // namespace ROUSE_ABI
} // namespace rouse
