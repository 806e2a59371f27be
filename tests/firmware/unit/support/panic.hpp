// Included in front of every test: a panic ends the child that caused it (see misuse.hpp), or else the program.
#pragma once

namespace test::runner {
[[noreturn]] void panic(const char* message);
}

#define ROUSE_PANIC(message) ::test::runner::panic(message)
