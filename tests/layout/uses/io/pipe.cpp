#include <rouse/io/pipe.hpp>

rouse::Task<bool> through_a_pipe(int read_end, int write_end) {
    rouse::StreamReader reader = rouse::open_pipe_reader(read_end);
    rouse::StreamWriter writer = rouse::open_pipe_writer(write_end);
    writer.write("hello\n");
    co_await writer.drain();
    co_return co_await reader.readline() == "hello\n";
}

int main() {
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    return rouse::run(through_a_pipe(ends[0], ends[1])) ? 0 : 1;
}
