// What is done with the port of a microcontroller; the program runs under its emulator. Include it after the header.
#pragma once

inline int use_port(rouse::Port& port) {
    port.wake();
    return port.wait_until(rouse::no_deadline) == 1 && port.now() < rouse::no_deadline ? 0 : 1;
}
