#include <cstdio>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> user(const char* name, Lock& lock, std::chrono::milliseconds time) {
    for (int i = 0; i < 2; ++i) {
        {
            auto guard = co_await lock.scoped();
            std::printf("%s has it, %d\n", name, i);
            co_await sleep(time);
        }
        std::printf("%s gave it back\n", name);
    }
}

const char* text(bool truth) { return truth ? "True" : "False"; }

Task<> program() {
    Lock lock;
    std::vector<TaskHandle<>> users;
    users.push_back(create_task(user("a", lock, 30ms)));
    users.push_back(create_task(user("b", lock, 10ms)));
    users.push_back(create_task(user("c", lock, 0ms)));
    auto gives_up = create_task(user("gives up", lock, 0ms));
    co_await sleep(10ms);
    std::printf("locked %s\n", text(lock.locked()));
    gives_up.cancel();
    co_await gather(users);
    std::printf("locked %s\n", text(lock.locked()));
}

int main() { run(program()); }
