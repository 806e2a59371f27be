// The main() of the test programs, for version 2 of Catch2; version 3 has its own.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
