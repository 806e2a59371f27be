#include <cstdio>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

struct Tasks {
    TaskHandle<> boss, worker;
};

Task<int> boss(Tasks& tasks) {
    co_await sleep(10ms);
    std::puts("boss cancels who awaits it");
    tasks.worker.cancel();
    std::puts("boss returns");
    co_return 1;
}

Task<> worker(Tasks& tasks) { co_await tasks.boss; }

Task<> program() {
    Tasks tasks;
    tasks.boss = create_task(boss(tasks));
    tasks.worker = create_task(worker(tasks));
    co_await gather(return_exceptions, tasks.boss, tasks.worker);
    std::printf("boss %s\n", tasks.boss.cancelled() ? "cancelled" : "returned");
    std::printf("worker %s\n", tasks.worker.cancelled() ? "cancelled" : "returned");
}

int main() { run(program()); }
