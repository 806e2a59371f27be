// The model checker, in a file of its own: compiled with -DROUSE_MODEL_CHECK=1 and without -fsanitize=thread.
#include <rouse/check/engine.hpp>
