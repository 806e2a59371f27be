#include <rouse/ports/epoll.hpp>

int main() {
    rouse::EpollPort port;
    port.wake();
    return port.wait_until(rouse::no_deadline) == 1 && port.native_handle() >= 0 ? 0 : 1;
}
