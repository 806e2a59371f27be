#include <rouse/ports/cortex_m.hpp>

#include "../use_port.hpp"

int main() {
    rouse::SysTickClock clock{25'000'000};
    rouse::CortexMPort port{clock};
    return use_port(port);
}
