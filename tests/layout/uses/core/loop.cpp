#include <rouse/core/loop.hpp>

#include "../still_port.hpp"

rouse::Task<int> answer() { co_return 42; }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(answer()) == 42 ? 0 : 1;
}
