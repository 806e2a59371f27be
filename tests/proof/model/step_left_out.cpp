// For steps.sh: runs the programs of one file (PROGRAMS) until one fails, on headers in which a step is left out. First
// a few executions of each, then more, then all: most faults show in the first few hundred of one program or another.
//
//   step_left_out [most executions of a program]
//
// Says which program is running, as it may crash; exits with 0 if one fails.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "programs.hpp"

int main(int argc, char** argv) {
    const std::uint64_t most = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : model::Options{}.most_executions;
    for (const std::uint64_t round : {std::uint64_t{200}, std::uint64_t{2'500}, std::uint64_t{25'000}, most}) {
        for (model::Program program : model::PROGRAMS()) {
            std::printf("running \"%s\"\n", program.name);
            std::fflush(stdout);
            program.options.most_executions = std::min(round, most);
            const model::Result result = model::explore(program.run, program.options);
            if (result.failure.empty()) continue;
            if (result.failure.rfind("CHECKER", 0) == 0) continue; // it has only run out of room: that catches nothing
            std::printf("\"%s\", execution %llu: %.90s\n", program.name,
                        static_cast<unsigned long long>(result.executions + 1), result.failure.c_str());
            return 0;
        }
        if (round >= most) break;
    }
    std::puts("nothing fails");
    return 1;
}
