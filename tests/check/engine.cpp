// The model checker, without -fsanitize=thread.
#include <rouse/check/engine.hpp>
