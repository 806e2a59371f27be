#include <rouse/io/readable.hpp>

#include <unistd.h>

rouse::Task<bool> ready(int read_end, int write_end) {
    co_await rouse::writable(write_end);
    if (::write(write_end, "x", 1) != 1) co_return false;
    co_await rouse::readable(read_end);
    char byte = 0;
    co_return ::read(read_end, &byte, 1) == 1 && byte == 'x';
}

int main() {
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    return rouse::run(ready(ends[0], ends[1])) ? 0 : 1;
}
