// serial_lines: talks to the device at a serial port: sends it the lines of standard input, and prints what it answers.
// Shows open_serial() and two tasks that use the two halves of one port.
//
//   ./serial_lines /dev/ttyUSB0             at 115200 bits per second
//   ./serial_lines /dev/ttyACM0 9600
//
// After the end of standard input it waits a second for the last answer. Without a device, two pseudo-terminals that
// are connected with each other are one:
//
//   socat pty,rawer,link=a pty,rawer,link=b &   then: ./serial_lines a, and in another window: ./serial_lines b
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include <rouse/io/open_serial.hpp>
#include <rouse/io/pipe.hpp>
#include <rouse/rouse.hpp>

#include "arguments.hpp"
#include "run_main.hpp"
#include "say.hpp"

using namespace rouse;

constexpr std::size_t longest = 4096; // of a line

// Until the device is unplugged.
static Task<> print_answers(StreamReader device) {
    StreamWriter output = standard_output();
    for (;;) {
        const std::string bytes = co_await device.read(longest);
        if (bytes.empty()) break;
        output.write(bytes);
        co_await output.drain();
    }
}

static Task<> send_lines(StreamWriter device) {
    StreamReader input = standard_input();
    while (const auto line = co_await input.next_line(longest)) {
        device.write(*line);
        co_await device.drain(); // at the pace of the line
    }
    co_await sleep(std::chrono::seconds{1});
}

static Task<int> talk(std::string path, unsigned long baud) {
    auto [reader, writer] = co_await open_serial(path, baud);
    // The first to end is the end of both.
    const auto ended = co_await select(send_lines(std::move(writer)), print_answers(std::move(reader)));
    if (ended.index() == 0) co_return 0;
    example::say(path + " was unplugged");
    co_return 1;
}

int main(int count, char** arguments) {
    constexpr auto usage = "serial_lines path [baud]";
    if (const auto status = example::wrong_arguments(count, arguments, 2, usage)) return *status;
    unsigned long baud = 115200;
    if (count < 2 || (count > 2 && !example::parse_number(arguments[2], baud))) return example::refuse(usage);
    return example::run_main("serial_lines", [&] { return talk(arguments[1], baud); });
}
