// Two tasks, run side by side and waited for.
#include "program.hpp"

namespace {

rouse::Task<> both() { co_await rouse::gather(first_task(), first_task()); }

} // namespace

extern "C" void timer_interrupt() { flag.set(); }

int main() {
    rouse::create_task(both());
    loop.run_forever();
}
