#include <cstdio>
#include <string>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<int> fetch(std::string name, std::chrono::microseconds time) {
    std::printf("begins %s\n", name.c_str());
    co_await sleep(time);
    std::printf("ends %s\n", name.c_str());
    co_return static_cast<int>(name.size());
}

Task<> program() {
    auto running = create_task(fetch("three", 30ms));
    auto [a, b, c] = co_await gather(fetch("a", 20ms), fetch("bc", 10ms), running);
    std::printf("%d %d %d\n", a, b, c);

    std::vector<Task<int>> several;
    for (unsigned n : {1u, 2u, 3u}) several.push_back(fetch(std::string(n, 'x'), 10'000us / n));
    auto lengths = co_await gather(std::move(several));
    std::printf("%d %d %d\n", lengths[0], lengths[1], lengths[2]);
}

int main() { run(program()); }
