#include <rouse/core/port.hpp>

#include "../still_port.hpp"

int main() {
    StillPort still;
    rouse::Port& port = still;
    return port.now() < rouse::forever && port.wait_until(rouse::at_once) == 0 && port.native_handle() == -1 ? 0 : 1;
}
