#include <rouse/combine/gather.hpp>

#include "../still_port.hpp"

rouse::Task<int> number(int n) { co_return n; }

rouse::Task<int> sum() {
    auto [a, b] = co_await rouse::gather(number(40), number(2));
    co_return a + b;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(sum()) == 42 ? 0 : 1;
}
