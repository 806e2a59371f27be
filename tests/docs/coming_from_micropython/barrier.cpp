#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> party(const char* name, Barrier& barrier, std::chrono::milliseconds time) {
    for (int i = 0; i < 2; ++i) {
        co_await sleep(time);
        auto place = co_await barrier.wait();
        std::printf("%s goes on, round %d place %zu\n", name, i, place);
    }
}

Task<> stuck(Barrier& barrier) {
    try {
        co_await barrier.wait();
    } catch (const BrokenBarrierError&) {
        std::puts("broken");
    }
}

Task<> program() {
    Barrier barrier{3};
    co_await gather(party("a", barrier, 20ms), party("b", barrier, 10ms), party("c", barrier, 30ms));
    auto task = create_task(stuck(barrier));
    co_await sleep(10ms);
    std::printf("waiting %zu\n", barrier.n_waiting());
    barrier.abort();
    co_await task;
    std::printf("broken %s\n", barrier.broken() ? "True" : "False");
}

int main() { run(program()); }
