// Three readings that must agree, written by an interrupt. As three variables they are torn: each is whole, but they
// are not of one moment. In a Latest they are not.
#include <rouse/rouse.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>

#include "interrupt_timer.hpp"

using namespace rouse;
using namespace std::chrono_literals;

struct Readings {
    int pressure, temperature, humidity; // here: three times the same number
    bool agree() const { return pressure == temperature && temperature == humidity; }
};

static std::atomic<int> pressure, temperature, humidity; // wrong
static constinit Latest<Readings> latest;                // right

void on_interrupt(int) {
    static int n = 0;
    ++n;
    pressure = n;
    temperature = n;
    humidity = n;
    latest.publish({n, n, n});
}

int main() {
    const example::InterruptTimer timer{on_interrupt, 20'000};
    const auto until = std::chrono::steady_clock::now() + 20s;
    bool torn = false;
    while (!torn && std::chrono::steady_clock::now() < until) {
        for (int i = 0; i < 10'000; ++i) torn = torn || !Readings{pressure, temperature, humidity}.agree();
    }
    std::printf("three variables: %s\n", torn ? "torn" : "whole");

    torn = false;
    for (int newer = 0; newer < 1000;) {
        newer += latest.fresh() ? 1 : 0;
        torn = torn || !latest.value().agree();
    }
    std::printf("a Latest: %s\n", torn ? "torn" : "whole");
}
