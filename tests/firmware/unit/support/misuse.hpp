// Stands in for tests/support/misuse.hpp where there is no operating system, and so no child process to panic in: what
// f did to the memory and the stack is taken back when it has ended, in a panic or not.
#pragma once

#include <string>

#include "support/panic.hpp"

namespace test {

namespace runner {

/// Calls f(argument) as if in a child process; returns the message of its panic, or null if there was none. The message
/// is there until the next child. A child has no children.
const char* panic_of_child(void (*f)(void* argument), void* argument);

} // namespace runner

/// Runs f, which is expected to misuse the library, and returns what it is told; "nothing" if it gets away with it.
template <class F>
std::string misuse_of(F f) {
    const char* message = runner::panic_of_child([](void* each) { (*static_cast<F*>(each))(); }, &f);
    return message == nullptr ? "nothing" : message;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace test
