// The UART of Arm's MPS2 boards.
#pragma once

#include <cstdint>

namespace board {

struct CmsdkUart {
    volatile std::uint32_t data, state, control, interrupt, baud_divider;

    static constexpr std::uint32_t has_sent = 1, has_received = 2; // of `interrupt`; writing them takes them back

    void start() {
        baud_divider = 16;
        control = 0xf; // both directions, with their interrupts
    }
    bool has_byte() const { return (interrupt & has_received) != 0; }
    char take() {
        interrupt = has_received;
        return static_cast<char>(data);
    }
    bool sent() {
        const bool yes = (interrupt & has_sent) != 0;
        interrupt = has_sent;
        return yes;
    }
    void send(char byte) { data = static_cast<unsigned char>(byte); }
};

} // namespace board
