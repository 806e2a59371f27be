// Picks one of a list of pieces of work by the command line, for instructions.cpp and ends.cpp.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {

/// With the arguments NAME COUNT, the piece of work of that name. Without arguments, prints all names, and exits with
/// 0; with any others, says how `program` is called, and exits with 2.
template <class Work, std::size_t N>
const Work& chosen(const Work (&all)[N], const char* program, int argc, char** argv) {
    if (argc == 1) {
        for (const Work& work : all) std::puts(work.name);
        std::exit(0);
    }
    for (const Work& work : all) {
        if (argc == 3 && std::string_view{argv[1]} == work.name) return work;
    }
    std::fprintf(stderr, "usage: %s\n", program);
    std::exit(2);
}

} // namespace bench
