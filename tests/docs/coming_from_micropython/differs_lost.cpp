#include <cstdio>
#include <string>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<> give_up(TaskHandle<> task, Queue<std::string>& queue) {
    co_await sleep(10ms);
    static_cast<void>(queue.put_nowait("item"));
    task.cancel();
}

Task<> consumer(Queue<std::string>& queue) {
    try {
        auto item = co_await wait_for(queue.get(), 1s);
        std::printf("consumer: got %s\n", item.c_str());
        co_await yield();
    } catch (const CancelledError&) {
        std::puts("consumer: cancelled");
    }
}

Task<> put_in_both(Queue<std::string>& one, Queue<std::string>& other) {
    static_cast<void>(one.put_nowait("item"));
    static_cast<void>(other.put_nowait("item"));
    co_return;
}

Task<> program() {
    Queue<std::string> queue;
    TaskHandle<> task = create_task(consumer(queue));
    co_await give_up(task, queue);
    co_await gather(return_exceptions, task);
    std::printf("left in the queue: %zu\n", queue.qsize());

    Queue<std::string> queues[2];
    create_task(put_in_both(queues[0], queues[1]));
    co_await select(queues[0].get(), queues[1].get());
    std::printf("got the first; left in the queues: %zu\n", queues[0].qsize() + queues[1].qsize());
}

int main() { run(program()); }
