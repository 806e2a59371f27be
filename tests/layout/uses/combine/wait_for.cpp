#include <rouse/combine/wait_for.hpp>

#include "../still_port.hpp"

using namespace std::chrono_literals;

rouse::Task<int> answer() { co_return 42; }
rouse::Task<int> ask() { co_return co_await rouse::wait_for(answer(), 1s); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(ask()) == 42 ? 0 : 1;
}
