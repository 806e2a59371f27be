// Runs every state with every operation at every instruction, and prints how many there were.
//
//   single_step [--every N] [--pairs N] [--state NAME] [--expect-failure] [--broken N] [object...]
//
// The objects are event, flag, get, latest, message, mpsc, one_shot, put, ring_io, slot_queue; all if none is named.
// With
// --every, only every N-th instruction is interrupted. With two interrupts, each comes at about N places of a turn
// (--pairs, 12); with 0 there are never two. With --state, only the states of this name.
//
// With --expect-failure, for a deliberate fault: says where it was caught, and succeeds if it was. --broken switches on
// one of those that controls.toml puts into the headers.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "table.hpp"

namespace {

constexpr int fewest = 5; // or the tracing does not work
constexpr int few = 25;   // a short stretch is interrupted more often, at about as many

void print(const rouse::check::InterruptReport& report) {
    std::printf("    ");
    if (report.instruction == nullptr) std::printf("in a sleep, or after the last instruction");
    if (report.instruction != nullptr) std::printf("interrupt 1 at %p", report.instruction);
    if (report.second != nullptr) std::printf("; interrupt 2 at %p", report.second);
    std::printf(": %s\n", report.failure.c_str());
}

// One state, in a process for each boundary.
rouse::check::InterruptReport run(const step::Scenario& scenario, int every) {
    const auto work = [&scenario] {
        scenario.body();
        return true;
    };
    if (scenario.second == nullptr) return rouse::check::interrupt_everywhere(work, scenario.first, every);
    return rouse::check::interrupt_everywhere(work, scenario.first, scenario.second, every);
}

} // namespace

int main(int argc, char** argv) {
    bool expect_failure = false;
    int every = 1;
    int times_in_a_turn = 12; // two interrupts
    const char* state = nullptr;
    char** wanted = argv + 1;
    for (; *wanted != nullptr && (*wanted)[0] == '-'; ++wanted) {
        const std::string_view option = *wanted;
        if (option == "--expect-failure") {
            expect_failure = true;
            continue;
        }
        if (*++wanted == nullptr) return 2;
        if (option == "--broken") step::broken = std::atoi(*wanted);
        if (option == "--every") every = std::max(1, std::atoi(*wanted));
        if (option == "--pairs") times_in_a_turn = std::max(0, std::atoi(*wanted));
        if (option == "--state") state = *wanted;
    }
    int boundaries = 0, failed = 0, rows = 0, failed_rows = 0, one_turn = 0;
    for (const step::Scenario& scenario : step::scenarios()) {
        const auto is_object = [&](const char* name) { return std::strcmp(name, scenario.object) == 0; };
        if (*wanted != nullptr && std::none_of(wanted, argv + argc, is_object)) continue;
        if (state != nullptr && std::strcmp(state, scenario.state) != 0) continue;
        if (times_in_a_turn == 0 && scenario.second != nullptr) continue;
        std::fflush(stdout);
        int stride = scenario.second == nullptr ? every : std::max(1, one_turn / times_in_a_turn);
        auto result = run(scenario, stride);
        if (result.boundaries < few && result.failed == 0 && stride > 1) {
            stride = std::max(1, stride * result.boundaries / few);
            result = run(scenario, stride);
        }
        if (scenario.second == nullptr) one_turn = result.boundaries * stride;
        ++rows;
        boundaries += result.boundaries;
        failed += result.failed;
        const bool bad = result.failed != 0 || result.boundaries < fewest;
        failed_rows += bad;
        if (bad || !expect_failure) {
            std::printf("%-6s %-44s %-28s %6d boundaries", scenario.object, scenario.state, scenario.operation,
                        result.boundaries);
            if (stride > 1) std::printf(" (every %d)", stride);
            if (bad) std::printf(", %d FAILED", result.failed);
            std::printf("\n");
        }
        if (result.failed > 0) print(result);
        if (expect_failure && bad) break;
    }
    std::printf("%d states and operations, %d boundaries, %d failed in %d of them\n", rows, boundaries, failed,
                failed_rows);
    return (rows > 0 && (failed_rows > 0) == expect_failure) ? 0 : 1;
}
