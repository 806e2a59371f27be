#include <rouse/io/signal.hpp>

#include "../run_now.hpp"

int number = 0;

RunNow wait(rouse::Signal& signals) { number = co_await signals.wait(); }

int main() {
    rouse::Signal signals{SIGUSR1};
    if (signals.received() || std::raise(SIGUSR1) != 0) return 1;
    wait(signals);
    return number == SIGUSR1 ? 0 : 1;
}
