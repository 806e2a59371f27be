#include <rouse/threadsafe/ring_io.hpp>

#include "../still_port.hpp"

rouse::Task<std::size_t> read(rouse::RingIO<16>& serial, std::span<char> bytes) {
    co_return co_await serial.readexactly(bytes);
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::RingIO<16> serial;
    char bytes[2];
    if (serial.received("ok") != 2 || loop.run(read(serial, bytes)) != 2) return 1;
    return bytes[0] == 'o' && bytes[1] == 'k' && !serial.next_to_send() ? 0 : 1;
}
