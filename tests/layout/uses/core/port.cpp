#include <rouse/core/port.hpp>

#include "../still_port.hpp"

// There is no loop, which Clock::now() reports.
bool clock_needs_a_loop() {
    try {
        static_cast<void>(rouse::Clock::now());
    } catch (const rouse::UsageError&) {
        return true;
    }
    return false;
}

int main() {
    StillPort still;
    rouse::Port& port = still;
    return port.now() < rouse::no_deadline && port.wait_until(rouse::at_once) == 0 && port.native_handle() == -1 &&
                   clock_needs_a_loop()
               ? 0
               : 1;
}
