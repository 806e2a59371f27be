// pipe_filter: numbers the lines of standard input, or makes them upper case, on standard output. Shows standard input
// and output as streams: pipes, files and terminals, all without a thread and without a blocking call.
//
//   ls | ./pipe_filter
//   ./pipe_filter upper < README.md | head -3
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

#include <rouse/io/pipe.hpp>
#include <rouse/rouse.hpp>

using namespace rouse;

static std::string upper_case(std::string line) {
    for (char& letter : line) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return line;
}

static Task<> filter(bool upper) {
    constexpr std::size_t longest = 1024 * 1024;
    StreamReader input = standard_input();
    StreamWriter output = standard_output();
    for (std::size_t number = 1; auto line = co_await input.next_line(longest); ++number) {
        if (line->back() != '\n') *line += '\n'; // the last one may lack it
        output.write(upper ? upper_case(std::move(*line)) : fmt::format("{:6} {}", number, *line));
        co_await output.drain(); // a slow reader holds us back, and we hold back our writer
    }
    output.close();
    co_await output.wait_closed();
}

int main(int count, char** arguments) {
    const bool upper = count == 2 && std::string_view{arguments[1]} == "upper";
    if (count > 2 || (count == 2 && !upper)) {
        fmt::print(stderr, "usage: {} [upper]\n", arguments[0]);
        return 2;
    }
    try {
        run(filter(upper));
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::broken_pipe) return 0; // `| head` has seen enough
        fmt::print(stderr, "pipe_filter: {}\n", error.what());
        return 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "pipe_filter: {}\n", error.what());
        return 1;
    }
    return 0;
}
