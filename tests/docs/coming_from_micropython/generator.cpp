#include <cstdio>
#include <tuple>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "generator.page.hpp" // from docs/coming-from-micropython.md

int main() { run(program()); }
