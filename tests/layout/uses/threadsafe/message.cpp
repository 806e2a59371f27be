#include <rouse/threadsafe/message.hpp>

#include "../still_port.hpp"

rouse::Task<> wait(rouse::Message<int>& message) { co_await message.wait(); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Message<int> message;
    if (!message.set(42)) return 1;
    loop.run(wait(message));
    return message.value() == 42 ? 0 : 1;
}
