// Many faults in one build: tests/controls/switches.py puts `if (fault_switch::on(7)) { as the fault has it } else
// { as it is }` into copies of the headers.
#pragma once

#include <type_traits>

namespace fault_switch {

/// Whether this fault is the one to be tried. Not part of what the checker sees: it is compiled without the calls of
/// -fsanitize=thread.
bool chosen_is(int fault) noexcept;

constexpr bool on(int fault) noexcept { return !std::is_constant_evaluated() && chosen_is(fault); }

} // namespace fault_switch
