#include <rouse/threadsafe/latest.hpp>

#include "../still_port.hpp"

rouse::Task<int> next(rouse::Latest<int>& latest) { co_return co_await latest.next(); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Latest<int> latest;
    latest.publish(42);
    return loop.run(next(latest)) == 42 ? 0 : 1;
}
