// The list of the states. Without rouse, so that what prints it is compiled once for all the controls.
#pragma once

#include <vector>

#include "trace.hpp"

namespace step {

/// A state, and what is done to it: one row of the table.
struct Scenario {
    const char* object;
    const char* state;
    const char* operation;
    void (*body)();
    Operation first;
    Operation second = nullptr;
};

inline std::vector<Scenario>& scenarios() {
    static std::vector<Scenario> all;
    return all;
}

struct Add {
    explicit Add(const Scenario& scenario) { scenarios().push_back(scenario); }
};

} // namespace step
