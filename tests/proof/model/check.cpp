// Runs every program under the checker, then every mutant, and says what it found.
//
//   check <root of the sources>    all programs as they ship: none may fail. Then all mutants: each must be caught, or
//                                  the header must say beside it, in a comment with "stronger than needed" (an order)
//                                  or "only saves time" (a store that is left out), why not;
//                                  and docs/proof.md must list it with its verdict
//   check --programs [text]        only the programs (whose names contain the text)
//   check --mutants <root> [regex] only the mutants (whose names match); of the programs just so much runs first that
//   it
//                                  is known by which places they come
//
// Mutants are told of as controls.py tells of controls (see tests/controls/checks/model_mutants.py).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <rouse/check/detail/mutants.hpp>

#include "programs.hpp"

namespace {

using model::Program;
using rouse::check::Result;
using rouse::detail::Change;
using rouse::detail::Mutants;
using rouse::detail::Site;

// A program, with what its run as it ships has shown.
struct Known {
    Program program;
    Result result{};
    double seconds = 0;            // of the processor
    std::set<std::string> sites{}; // that it comes by
};

// As many executions of a program come by all the places that all of them come by.
constexpr std::uint64_t enough_for_places = 3'000;
constexpr std::uint64_t all_executions = rouse::check::Options{}.most_executions;

std::vector<Known> all_programs(const char* filter) {
    std::vector<Known> all;
    for (const auto& some :
         {model::inbox_programs(), model::flag_programs(), model::foreign_programs(), model::event_programs(),
          model::queue_programs(), model::queue_thread_programs(), model::latest_programs(), model::message_programs(),
          model::one_shot_programs(), model::ring_io_programs(), model::slot_queue_programs(), model::mpsc_programs(),
          model::mpsc_thread_programs(), model::broadcast_programs(), model::context_programs(),
          model::delay_programs()}) {
        for (const Program& program : some) {
            if (std::strstr(program.name, filter) != nullptr) all.push_back(Known{program});
        }
    }
    return all;
}

void explore(Known& known, std::uint64_t most_executions) {
    const std::clock_t start = std::clock();
    Mutants::now().forget_visits();
    rouse::check::Options options = known.program.options;
    options.most_executions = most_executions;
    known.result = rouse::check::explore(known.program.run, options);
    for (const Site& site : Mutants::now().visited()) known.sites.insert(site.key());
    known.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

bool run(Known& known) {
    explore(known, known.program.options.most_executions);
    const rouse::check::Options& options = known.program.options;
    const std::string bound =
        options.preemptions < 0 ? "every order" : std::to_string(options.preemptions) + " preemptions";
    std::printf("%-62s %s, %7llu executions, %8llu steps, %4.1f s\n", known.program.name, bound.c_str(),
                static_cast<unsigned long long>(known.result.executions),
                static_cast<unsigned long long>(known.result.steps), known.seconds);
    const bool passed = known.result.failure.empty() && known.result.complete;
    if (!passed) std::printf("  FAILED: %s\n%s", known.result.failure.c_str(), known.result.story.c_str());
    std::fflush(stdout);
    return passed;
}

struct Mutation {
    Site site;
    Change change;
    const char* excuse; // what the header says of it, or null
};

// Of a file: its lines, behind an empty one so that they are numbered from one. Of the model's port: nothing.
std::vector<std::string> lines_of(const std::string& path) {
    std::ifstream file{path};
    std::vector<std::string> lines{""};
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

// The words with which a comment may excuse a change, or null. What no order can show is not excused by a comment about
// the order.
const char* excuse_for(Change change) {
    switch (change) {
    case Change::no_acquire:
    case Change::no_release:
    case Change::no_acquire_failing: return "stronger than needed";
    case Change::no_store: return "only saves time";
    default: return nullptr;
    }
}

// The excuse, if the comment beside a line has it: on the line, in the statement's next two, or in the comment above.
const char* excuse(const std::string& root, const Site& site, Change change) {
    const char* const words = excuse_for(change);
    if (words == nullptr) return nullptr;
    const std::vector<std::string> lines = lines_of(root + "/include/" + site.file);
    const std::size_t first = site.line > 4 ? site.line - 4 : 1;
    for (std::size_t i = first; i < lines.size() && i <= site.line + 1; ++i) {
        if (lines[i].find(words) != std::string::npos) return words;
    }
    return nullptr;
}

// The mutant's row in docs/proof.md.
std::string row(const std::string& root, const Mutation& mutation) {
    const std::vector<std::string> lines = lines_of(root + "/include/" + mutation.site.file);
    std::string code = mutation.site.line < lines.size() ? lines[mutation.site.line] : name(mutation.site.operation);
    code = code.substr(0, code.find("//"));
    code.erase(0, code.find_first_not_of(' '));
    code.erase(code.find_last_not_of(' ') + 1);
    return "| " + mutation.site.file + " | `" + code + "` | " + name(mutation.change) + " | " +
           (mutation.excuse != nullptr ? mutation.excuse : "caught") + " |";
}

// What is told of a mutant by the process that tries it: of one length, so that the last is the one that counts.
void tell(int to, std::string text) {
    text.resize(200, ' ');
    if (write(to, text.data(), text.size()) < 0) _exit(2);
}

// In a process of its own, as it may corrupt anything: runs the programs that come by the place until one fails. First
// a few executions of each, then more, then all: most mutants show in the first few hundred of one program or another.
[[noreturn]] void try_mutant(const Mutation& mutation, const std::vector<const Known*>& programs, int to) {
    alarm(300);
    Mutants::now().activate(mutation.site, mutation.change);
    for (const std::uint64_t round :
         {std::uint64_t{200}, std::uint64_t{2'500}, std::uint64_t{25'000}, all_executions}) {
        for (const Known* known : programs) {
            if (known->sites.count(mutation.site.key()) == 0) continue;
            rouse::check::Options options = known->program.options;
            options.most_executions = round;
            options.shorten = false;
            const std::string name = std::string{"\""} + known->program.name + '"';
            tell(to, "crashes in " + name);
            const Result result = rouse::check::explore(known->program.run, options);
            if (result.failure.empty() || result.kind == rouse::check::Failure::checker) continue;
            tell(to,
                 name + ", execution " + std::to_string(result.executions + 1) + ": " + result.failure.substr(0, 60));
            _exit(0);
        }
    }
    tell(to, "-");
    _exit(0);
}

struct Running {
    Mutation mutation;
    pid_t process;
    int from;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

std::string name_of(const Mutation& mutation) { return mutation.site.text() + ", " + name(mutation.change); }

int judge(const Running& running, const std::string& root, const std::vector<std::string>& documented) {
    std::string text;
    char part[200];
    for (ssize_t got = 0; (got = read(running.from, part, sizeof part)) > 0;) text.assign(part, part + got);
    close(running.from);
    int status = 0;
    waitpid(running.process, &status, 0);
    text.erase(text.find_last_not_of(' ') + 1);
    const bool in_time = !WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM;
    const bool caught = in_time && text != "-" && !text.empty();
    const char* const excuse = running.mutation.excuse;
    const bool right = caught != (excuse != nullptr);
    std::printf("%-7s model_mutants: %s: %s (%.1f s)\n",
                !right   ? "MISSED"
                : caught ? "caught"
                         : "excused",
                name_of(running.mutation).c_str(),
                caught && !right    ? ("the header says \"" + std::string{excuse} + "\", but: " + text).c_str()
                : caught            ? text.c_str()
                : !in_time          ? "NOT caught in time"
                : excuse != nullptr ? "NOT caught, as the header says"
                                    : "NOT caught",
                std::chrono::duration<double>(std::chrono::steady_clock::now() - running.start).count());
    const std::string wanted = row(root, running.mutation);
    const bool listed = std::find(documented.begin(), documented.end(), wanted) != documented.end();
    if (!listed)
        std::printf("MISSED  model_mutants: %s: NOT in docs/proof.md: %s (0.0 s)\n", name_of(running.mutation).c_str(),
                    wanted.c_str());
    std::fflush(stdout);
    return right && listed ? 0 : 1;
}

int run_mutants(const std::vector<Known>& programs, const std::string& root, const char* filter) {
    std::vector<const Known*> cheapest_first;
    for (const Known& known : programs) cheapest_first.push_back(&known);
    std::sort(cheapest_first.begin(), cheapest_first.end(),
              [](const Known* a, const Known* b) { return a->seconds < b->seconds; });
    std::vector<Running> running;
    int wrong = 0, count = 0, excuses = 0;
    const std::vector<std::string> documented = lines_of(root + "/docs/proof.md");
    const auto finish_one = [&] {
        wrong += judge(running.front(), root, documented);
        running.erase(running.begin());
    };
    for (const Site& site : Mutants::now().sites()) {
        for (const Change change : Mutants::changes(site)) {
            const Mutation mutation{site, change, excuse(root, site, change)};
            if (!std::regex_search(name_of(mutation), std::regex{filter})) continue;
            ++count;
            excuses += mutation.excuse != nullptr;
            if (running.size() == 2) finish_one();
            int ends[2];
            if (pipe(ends) != 0) return 1;
            std::fflush(stdout);
            const pid_t process = fork();
            if (process == 0) try_mutant(mutation, cheapest_first, ends[1]);
            close(ends[1]);
            running.push_back(Running{mutation, process, ends[0]});
        }
    }
    while (!running.empty()) finish_one();
    std::printf("%d mutants of %zu places: %d as they should be, of which %d are excused by the header\n", count,
                Mutants::now().sites().size(), count - wrong, excuses);
    return wrong;
}

} // namespace

int main(int argc, char** argv) {
    const bool programs_only = argc > 1 && std::strcmp(argv[1], "--programs") == 0;
    const bool mutants_only = argc > 2 && std::strcmp(argv[1], "--mutants") == 0;
    if (argc < 2) return 2;
    std::vector<Known> programs = all_programs(programs_only && argc > 2 ? argv[2] : "");
    int failed = 0;
    for (Known& known : programs) {
        if (mutants_only) {
            explore(known, enough_for_places);
            failed += !known.result.failure.empty();
        } else {
            failed += !run(known);
        }
    }
    int passed = static_cast<int>(programs.size()) - failed;
    if (!programs_only && failed == 0) {
        const int wrong =
            run_mutants(programs, mutants_only ? argv[2] : argv[1], mutants_only && argc > 3 ? argv[3] : "");
        failed += wrong > 0;
        passed += wrong == 0;
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
