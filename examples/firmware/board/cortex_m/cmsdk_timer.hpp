// The timer of Arm's MPS2 boards: counts down to zero, and again from `reload`.
#pragma once

#include <cstdint>

namespace board {

struct CmsdkTimer {
    volatile std::uint32_t control, value, reload, interrupt;

    void start(std::uint32_t from, std::uint32_t again_from, bool with_interrupt) {
        control = 0;
        reload = again_from;
        value = from;
        control = with_interrupt ? 9 : 1;
    }
};

} // namespace board
