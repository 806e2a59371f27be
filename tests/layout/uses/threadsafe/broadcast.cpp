#include <rouse/threadsafe/broadcast.hpp>

#include "../still_port.hpp"

rouse::Task<int> next(rouse::Broadcast<int, 2>& numbers) {
    rouse::Broadcast<int, 2>::Subscriber mine{numbers};
    numbers.publish(42);
    const auto value = co_await mine.next();
    co_return *value;
}

int main() {
    StillPort port;
    rouse::Loop loop{port};
    rouse::Broadcast<int, 2> numbers;
    return loop.run(next(numbers)) == 42 ? 0 : 1;
}
