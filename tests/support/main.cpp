// The main() of the test programs: Catch2's, with two ways in for CTest, which runs each test case in a process of its
// own.
//
//   PROGRAM --write-ctest FILE SUFFIX LABELS TIMEOUT [LAUNCHER...]
//       writes into FILE a test for every test case, "FOLDER/FILE: NAME", where FOLDER/FILE_test.cpp is the source;
//       SUFFIX is appended to FOLDER/FILE. LABELS are separated by commas. LAUNCHER is what runs the program.
//   PROGRAM --case NAME [ARGUMENT...]
//       runs the one test case of that name, which is not a pattern; the arguments are Catch2's.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Catch2's pattern for just this name.
std::string pattern_of(std::string_view name) {
    std::string pattern;
    for (const char c : name) {
        if (std::strchr("\\,[", c) != nullptr) pattern += '\\';
        pattern += c;
    }
    return pattern;
}

// An argument for CMake that stands for itself, whatever is in it.
std::string bracketed(const std::string& text) {
    std::string fence = "=";
    while ((text + "]").find("]" + fence + "]") != text.npos) fence += "=";
    return "[" + fence + "[" + text + "]" + fence + "]";
}

std::size_t count_selected(const Catch::ConfigData& data) {
    const Catch::Config config{data};
    return filterTests(Catch::getAllTestCasesSorted(config), config.testSpec(), config).size();
}

// FOLDER/FILE of .../FOLDER/FILE_test.cpp
std::string file_of(std::string path) {
    const std::string_view end = "_test.cpp";
    if (path.size() < end.size() || path.substr(path.size() - end.size()) != end)
        throw std::runtime_error{path + ": not named *_test.cpp"};
    path.resize(path.size() - end.size());
    const auto before_file = path.rfind('/');
    const auto before_folder =
        before_file == path.npos || before_file == 0 ? path.npos : path.rfind('/', before_file - 1);
    return before_folder == path.npos ? path : path.substr(before_folder + 1);
}

void write_ctest(const std::string& program, const std::vector<std::string>& arguments) {
    if (arguments.size() < 4) throw std::runtime_error{"--write-ctest FILE SUFFIX LABELS TIMEOUT [LAUNCHER...]"};
    const std::string& path = arguments[0];
    std::string labels = arguments[2];
    for (char& c : labels) c = c == ',' ? ';' : c;
    std::string command;
    for (std::size_t i = 4; i < arguments.size(); ++i) command += bracketed(arguments[i]) + " ";
    command += bracketed(program);

    std::string text;
    std::size_t cases = 0;
    const Catch::Config all{Catch::ConfigData{}};
    for (const auto& test : Catch::getAllTestCasesSorted(all)) {
        const Catch::TestCaseInfo& info = test.getTestCaseInfo();
        Catch::ConfigData data;
        data.testsOrTags.push_back(pattern_of(info.name));
        if (count_selected(data) != 1) throw std::runtime_error{info.name + ": Catch2 cannot select this name alone"};
        const std::string name = bracketed(file_of(info.lineInfo.file) + arguments[1] + ": " + info.name);
        text += "add_test(" + name + " " + command + " --case " + bracketed(info.name) + ")\n";
        text += "set_tests_properties(" + name + " PROPERTIES LABELS " + bracketed(labels) + " TIMEOUT " +
                arguments[3] + ")\n";
        ++cases;
    }
    if (cases == 0) throw std::runtime_error{"there is no test case in this program"};

    std::ofstream out{path};
    out << text;
    out.close();
    if (!out) throw std::runtime_error{path + ": cannot be written"};
}

int run(int argc, char** argv) {
    const std::vector<std::string> arguments{argv, argv + argc};
    if (argc > 1 && arguments[1] == "--write-ctest") {
        write_ctest(arguments[0], {arguments.begin() + 2, arguments.end()});
        return 0;
    }
    // What Catch2 has printed must not lie in a buffer that a child which a test forks would print again.
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    Catch::Session session;
    if (argc > 2 && arguments[1] == "--case") {
        argv[2] = argv[0];
        if (const int status = session.applyCommandLine(argc - 2, argv + 2); status != 0) return status;
        session.configData().testsOrTags = {pattern_of(arguments[2])};
        if (count_selected(session.configData()) != 1)
            throw std::runtime_error{arguments[2] + ": there is no such test case"};
        return session.run();
    }
    return session.run(argc, argv);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
}
