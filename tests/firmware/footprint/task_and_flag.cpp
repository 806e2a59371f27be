// A loop, a task and a flag that an interrupt sets.
#include "program.hpp"

extern "C" void timer_interrupt() { flag.set(); }

int main() {
    rouse::create_task(first_task());
    loop.run_forever();
}
