#include <rouse/combine/select.hpp>

#include "../still_port.hpp"

rouse::Task<int> number(int n) { co_return n; }

rouse::Task<int> first() {
    auto which = co_await rouse::select(number(1), number(2));
    co_return static_cast<int>(which.index());
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    return loop.run(first());
}
