// What the shim keeps count of. For its own files; the rest of the check uses shim.hpp.
#pragma once

#include "shim.hpp"

namespace faults {

/// Counts a call. The fault that the plan has for it, or null.
const Fault* next(Call call) noexcept;

bool without_pwait2() noexcept;
void note_bad_close() noexcept;
void note_allocation(long change) noexcept;

} // namespace faults
