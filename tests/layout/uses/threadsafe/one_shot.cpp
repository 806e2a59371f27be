#include <rouse/threadsafe/one_shot.hpp>

#include "../still_port.hpp"

rouse::Task<int> get(rouse::OneShot<int>& shot) { co_return co_await shot.get(); }

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::OneShot<int> shot;
    auto sender = shot.sender();
    return sender.set(42) && loop.run(get(shot)) == 42 ? 0 : 1;
}
