#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

int stock = 0;

Task<> buyer(const char* name, Condition& condition, int amount) {
    auto guard = co_await condition.scoped();
    co_await condition.wait_for([amount] { return stock >= amount; });
    stock -= amount;
    std::printf("%s takes %d leaves %d\n", name, amount, stock);
}

Task<> waiter(const char* name, Condition& condition) {
    auto guard = co_await condition.scoped();
    co_await condition.wait();
    std::printf("%s was notified\n", name);
}

Task<> program() {
    Condition condition;
    std::vector<TaskHandle<>> buyers;
    buyers.push_back(create_task(buyer("a", condition, 3)));
    buyers.push_back(create_task(buyer("b", condition, 1)));
    buyers.push_back(create_task(buyer("c", condition, 2)));
    for (int delivered : {1, 2, 3}) {
        co_await sleep(10ms);
        auto guard = co_await condition.scoped();
        stock += delivered;
        std::printf("delivered %d\n", delivered);
        condition.notify_all();
    }
    co_await gather(buyers);

    std::vector<TaskHandle<>> waiters;
    for (const char* name : {"x", "y", "z"}) waiters.push_back(create_task(waiter(name, condition)));
    co_await sleep(10ms);
    waiters[0].cancel();
    {
        auto guard = co_await condition.scoped();
        condition.notify();
        std::puts("notified one");
    }
    co_await sleep(10ms);
    {
        auto guard = co_await condition.scoped();
        condition.notify(2);
    }
    co_await sleep(10ms);
    std::puts(waiters[0].done() && waiters[1].done() && waiters[2].done() ? "True" : "False");

    auto guard = co_await condition.scoped();
    try {
        co_await wait_for(condition.wait(), 10ms);
    } catch (const TimeoutError&) {
        std::printf("not notified; locked %s\n", condition.locked() ? "True" : "False");
    }
}

int main() { run(program()); }
