// Runs one case, and says whether what happened is what has to.
#pragma once

#include <array>

#include "report.hpp"
#include "shim.hpp"

namespace faults {

using Counts = std::array<unsigned, static_cast<std::size_t>(Call::count)>;

struct Verdict {
    bool fired = false; // the call that was to fail was made
    bool wrong = false;
};

/// How often each call is made without faults; `plan` has none. False if even that goes wrong.
bool count_calls(const Plan& plan, Counts& counts, Report::Text& what);

/// `usual` is how often each call is made without faults. `what` is filled in if the verdict is wrong.
Verdict run_case(const Plan& plan, const Counts& usual, Report::Text& what);

/// Whether a panic is the answer to this fault. Only where exceptions are off, and only if it names what failed.
bool is_answer(const char* panic, const Fault& fault) noexcept;

} // namespace faults
