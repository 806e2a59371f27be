// For the controls (tests/controls/checks/model.py): runs the programs of one file (PROGRAMS) until one fails, on
// headers with a fault that is switched on. First the one that is known to fail, if it is given; then a few executions
// of each, then more, then all: most faults show in the first few hundred of one program or another.
//
//   one_fault <number of the fault; 0: none> [most executions of a program [the program that is known to fail]]
//
// Says which program is running, as it may crash; exits with 0 if one fails.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "fault_switch.hpp"
#include "programs.hpp"

namespace {

int chosen = 0;

bool fails(model::Program program, std::uint64_t most) {
    std::printf("running \"%s\"\n", program.name);
    std::fflush(stdout);
    program.options.most_executions = most;
    program.options.shorten = false;
    const rouse::check::Result result = rouse::check::explore(program.run, program.options);
    if (result.failure.empty()) return false;
    if (result.kind == rouse::check::Failure::checker)
        return false; // it has only run out of room: that catches nothing
    std::printf("\"%s\", execution %llu: %.90s\n", program.name, static_cast<unsigned long long>(result.executions + 1),
                result.failure.c_str());
    return true;
}

} // namespace

bool fault_switch::chosen_is(int fault) noexcept { return chosen == fault; }

int main(int argc, char** argv) {
    chosen = argc > 1 ? std::atoi(argv[1]) : 0;
    const std::uint64_t all = rouse::check::Options{}.most_executions;
    const std::uint64_t most = argc > 2 ? std::min<std::uint64_t>(std::strtoull(argv[2], nullptr, 10), all) : all;
    const std::vector<model::Program> programs = model::PROGRAMS();
    if (argc > 3) {
        const auto known = std::find_if(programs.begin(), programs.end(), [argv](const model::Program& program) {
            return std::string_view{program.name} == argv[3];
        });
        if (known == programs.end()) {
            std::printf("there is no program \"%s\"\n", argv[3]);
            return 1;
        }
        if (fails(*known, most)) return 0;
    }
    for (const std::uint64_t round : {std::uint64_t{200}, std::uint64_t{2'500}, std::uint64_t{25'000}, most}) {
        for (const model::Program& program : programs) {
            if (fails(program, std::min(round, most))) return 0;
        }
        if (round >= most) break;
    }
    std::puts("nothing fails");
    return 1;
}
