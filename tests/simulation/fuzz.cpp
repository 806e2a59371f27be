// The same programs and the same check as simulation.cpp, driven by libFuzzer:
//     clang++-19 -std=c++20 -g -O1 -fsanitize=fuzzer,address -I include tests/simulation/fuzz.cpp
#include <cstdio>
#include <cstdlib>

#include "run.hpp"

using namespace simulation;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Trace expected;
    static Trace actual;
    const Program program = decode({data, size});
    const Verdict verdict = check(program, expected, actual);
    if (verdict.fault == nullptr) return 0;
    std::fprintf(stderr, "%s\n%s%s", verdict.fault, to_text(program).c_str(),
                 difference(program, expected, actual).c_str());
    std::abort();
}
