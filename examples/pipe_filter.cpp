// pipe_filter: numbers the lines of standard input, or makes them upper case, on standard output. Shows standard input
// and output as streams: pipes, files and terminals, all without a thread and without a blocking call.
//
//   ls | ./pipe_filter
//   ./pipe_filter upper < README.md | head -3
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <rouse/io/pipe.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"

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

static Task<int> filter_until_closed(bool upper) {
    try {
        co_await filter(upper);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::broken_pipe) throw;
        // `| head` has seen enough
    }
    co_return 0;
}

int main(int count, char** arguments) {
    constexpr auto usage = "pipe_filter [upper]";
    if (const auto status = example::wrong_arguments(count, arguments, 1, usage)) return *status;
    const bool upper = count == 2;
    if (upper && std::string_view{arguments[1]} != "upper") return example::refuse(usage);
    return example::run_main("pipe_filter", [&] { return filter_until_closed(upper); });
}
