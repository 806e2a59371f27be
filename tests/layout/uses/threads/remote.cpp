#include <rouse/threads/remote.hpp>

#include "../still_port.hpp"

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Remote remote{loop};
    int called = 0;
    if (!remote.call([&called] { ++called; })) return 1;
    while (loop.poll()) {
    }
    return called == 1 ? 0 : 1;
}
