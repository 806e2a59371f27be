#include <rouse/threadsafe/delay.hpp>

#include "../run_now.hpp"
#include "../still_port.hpp"

using namespace std::chrono_literals;

bool elapsed = false;

RunNow wait(rouse::Delay& delay) {
    co_await delay.wait();
    elapsed = true;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Delay delay{1s};
    delay.trigger();
    const bool running = delay.running();
    delay.trigger(0s);
    wait(delay);
    return running && elapsed ? 0 : 1;
}
