#include <rouse/ports/riscv.hpp>

#include "../use_port.hpp"

int main() {
    rouse::MachineTimer timer{0x0200'bff8, 0x0200'4000, 10'000'000};
    rouse::RiscvPort port{timer};
    return use_port(port);
}
