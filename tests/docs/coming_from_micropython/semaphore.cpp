#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> user(const char* name, Semaphore& semaphore, std::chrono::milliseconds time) {
    auto guard = co_await semaphore.scoped();
    std::printf("%s enters\n", name);
    co_await sleep(time);
    std::printf("%s leaves\n", name);
}

const char* text(bool truth) { return truth ? "True" : "False"; }

Task<> program() {
    Semaphore semaphore{2};
    std::vector<TaskHandle<>> users;
    users.push_back(create_task(user("a", semaphore, 20ms)));
    users.push_back(create_task(user("b", semaphore, 50ms)));
    users.push_back(create_task(user("c", semaphore, 10ms)));
    users.push_back(create_task(user("d", semaphore, 10ms)));
    users.push_back(create_task(user("e", semaphore, 0ms)));
    co_await sleep(10ms);
    std::printf("locked %s\n", text(semaphore.locked()));
    users[3].cancel();
    co_await gather(return_exceptions, users);
    std::printf("locked %s\n", text(semaphore.locked()));

    BoundedSemaphore bounded{1};
    co_await bounded.acquire();
    bounded.release();
    try {
        bounded.release();
    } catch (const UsageError&) {
        std::puts("released too often");
    }
}

int main() { run(program()); }
