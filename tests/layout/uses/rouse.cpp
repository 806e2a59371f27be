#include <rouse/rouse.hpp>

rouse::Task<int> answer() {
    co_await rouse::yield();
    co_return 42;
}

int main() { return rouse::run(answer()) == 42 ? 0 : 1; }
