#include <rouse/core/config.hpp>

static_assert(ROUSE_HOSTED && ROUSE_EXCEPTIONS);

int main() {}
