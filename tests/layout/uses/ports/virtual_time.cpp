#include <rouse/ports/virtual_time.hpp>

int main() {
    rouse::VirtualTimePort port;
    const rouse::TimePoint later = port.now() + std::chrono::hours{1};
    const unsigned wakes = port.wait_until(later);
    return wakes == 0 && port.now() == later ? 0 : 1;
}
