// The model checker, compiled once for all programs.
#include <rouse/check/engine.hpp>
