#include <cstdio>
#include <numeric>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "rate.page.hpp" // from docs/coming-from-micropython.md

Task<> program() {
    Semaphore limit{2};
    std::vector<Task<int>> downloads;
    for (int i : {1, 2, 3, 4, 5}) downloads.push_back(download(i, limit));
    auto sizes = co_await gather(std::move(downloads));
    std::printf("bytes: %d\n", std::accumulate(sizes.begin(), sizes.end(), 0));
}

int main() { run(program()); }
