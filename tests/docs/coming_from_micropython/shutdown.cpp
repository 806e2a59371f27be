#include <csignal>
#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

#include "shutdown.page.hpp" // from docs/coming-from-micropython.md

Task<> worker(const char* name, std::chrono::milliseconds cleanup) {
    try {
        for (;;) co_await sleep(1s);
    } catch (const CancelledError&) {
        std::printf("%s was told\n", name);
    }
    co_await sleep(cleanup);
    std::printf("%s has finished\n", name);
}

Task<> press_ctrl_c() {
    co_await sleep(10ms);
    std::raise(SIGINT);
}

Task<> program() {
    std::signal(SIGINT, on_ctrl_c);
    std::vector<TaskHandle<>> workers;
    workers.push_back(create_task(worker("quick", 100ms)));
    workers.push_back(create_task(worker("slow", 2s)));
    create_task(press_ctrl_c());
    co_await finish(workers);
}

int main() { run(program()); }
