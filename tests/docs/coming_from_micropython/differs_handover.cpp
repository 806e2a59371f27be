#include <cstdio>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> getter(Queue<std::string>& queue) {
    auto item = co_await queue.get();
    std::printf("getter: got %s\n", item.c_str());
}

Task<> user(Lock& lock) {
    auto guard = co_await lock.scoped();
    std::puts("user: has the lock");
}

Task<> waiter(Condition& condition) {
    auto guard = co_await condition.scoped();
    co_await condition.wait();
    std::puts("waiter: was notified, and has the lock");
}

Task<> program() {
    Queue<std::string> queue;
    TaskHandle<> waiting = create_task(getter(queue));
    co_await sleep(10ms);
    static_cast<void>(queue.put_nowait("first"));
    if (auto item = queue.get_nowait()) {
        std::printf("main: got %s\n", item->c_str());
    } else {
        std::puts("main: there is nothing for me");
    }
    static_cast<void>(queue.put_nowait("second"));
    co_await waiting;

    Lock lock;
    co_await lock.acquire();
    waiting = create_task(user(lock));
    co_await sleep(10ms);
    lock.release();
    std::printf("main: locked %s\n", lock.locked() ? "True" : "False");
    co_await waiting;

    Condition condition;
    waiting = create_task(waiter(condition));
    co_await sleep(10ms);
    {
        auto guard = co_await condition.scoped();
        condition.notify();
    }
    {
        auto guard = co_await condition.scoped();
        std::puts("main: has the lock again");
    }
    co_await waiting;
}

int main() { run(program()); }
