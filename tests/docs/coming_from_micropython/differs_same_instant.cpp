#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> nap(int i) {
    co_await sleep(10ms);
    std::printf("up: %d\n", i);
}

Task<> program() {
    std::vector<Task<>> naps;
    for (int i = 0; i < 6; ++i) naps.push_back(nap(i));
    co_await gather(std::move(naps));
}

int main() { run(program()); }
