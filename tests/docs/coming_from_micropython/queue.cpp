#include <cstdio>
#include <tuple>
#include <vector>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> producer(Queue<int>& queue) {
    for (int i = 0; i < 6; ++i) {
        std::ignore = co_await queue.put(i);
        std::printf("put %d now %zu\n", i, queue.qsize());
    }
    std::puts("producer ends");
}

Task<> consumer(const char* name, Queue<int>& queue) {
    for (;;) {
        int item = co_await queue.get();
        std::printf("%s got %d\n", name, item);
        co_await sleep(10ms);
        queue.task_done();
    }
}

const char* text(bool truth) { return truth ? "True" : "False"; }

Task<> program() {
    Queue<int> queue{2};
    std::vector<TaskHandle<>> consumers;
    for (const char* name : {"a", "b"}) consumers.push_back(create_task(consumer(name, queue)));
    co_await sleep(10ms);
    co_await producer(queue);
    co_await queue.join();
    std::printf("all done, empty %s\n", text(queue.empty()));
    for (auto& each : consumers) each.cancel();
    for (auto& result : co_await gather(return_exceptions, consumers)) {
        std::printf("consumer %s\n", result.cancelled() ? "cancelled" : "None");
    }
    if (!queue.get_nowait()) std::puts("empty");
    static_cast<void>(queue.put_nowait(1));
    static_cast<void>(queue.put_nowait(2));
    if (!queue.put_nowait(3)) std::printf("full %s\n", text(queue.full()));
}

int main() { run(program()); }
