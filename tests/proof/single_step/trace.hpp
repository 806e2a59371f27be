// What the states say to the engine, which is the one that users have: rouse/check/interrupt_everywhere.hpp. It traces
// the stretch between begin() and end(), and performs the operation under test at each of its instructions.
#pragma once

#include <optional>

#include <rouse/check/interrupt_everywhere.hpp>

#include "broken.hpp"

namespace step {

using Operation = void (*)();
using Interrupted = rouse::check::Interrupted;

inline std::optional<Interrupted> stretch;

/// Traces from here on, if there is something to perform. To be called once.
inline void begin() {
    if (!stretch) stretch.emplace();
}

/// Ends the tracing. What has not been performed is performed now: the boundary after the last instruction.
inline void end() { stretch.reset(); }

/// Called by an operation: this is to be performed once, when the loop has fallen asleep, or by finish().
inline void later(Operation operation) { Interrupted::postpone(operation); }
inline void finish() { Interrupted::perform_postponed(); }

/// Ends this process: the boundary has failed, and this is why. From any context.
[[noreturn]] inline void fail(const char* why) { Interrupted::fail(why); }
inline void check(bool holds, const char* otherwise) {
    if (!holds) fail(otherwise);
}

} // namespace step
