#include "first.page.hpp" // from docs/coming-from-micropython.md
