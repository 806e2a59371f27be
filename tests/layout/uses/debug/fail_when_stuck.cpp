#include <rouse/debug/fail_when_stuck.hpp>

int main() {
    rouse::VirtualTimePort port;
    rouse::Loop loop{port};
    const rouse::FailWhenStuck guard{port, loop};
    try {
        loop.run_forever();
    } catch (const rouse::StuckError&) {
        return 0;
    }
    return 1;
}
