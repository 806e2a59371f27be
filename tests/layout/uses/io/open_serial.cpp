#include <rouse/io/open_serial.hpp>

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

rouse::Task<bool> say_hello(const char* path, int device) {
    auto [reader, writer] = co_await rouse::open_serial(path, 115200);
    if (::write(device, "hello\n", 6) != 6) co_return false;
    co_return co_await reader.readline() == "hello\n";
}

int main() {
    const int device = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (device < 0 || ::grantpt(device) != 0 || ::unlockpt(device) != 0) return 1;
    return rouse::run(say_hello(::ptsname(device), device)) ? 0 : 1;
}
