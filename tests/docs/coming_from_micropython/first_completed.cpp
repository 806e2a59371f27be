#include <cstdio>
#include <string>
#include <tuple>

#include <rouse/rouse.hpp>

using namespace rouse;
using namespace std::chrono_literals;

Task<const char*> job(const char* name, std::chrono::milliseconds time) {
    try {
        co_await sleep(time);
        co_return name;
    } catch (const CancelledError&) {
        std::printf("%s cancelled\n", name);
        throw;
    }
}

Task<> put_later(Queue<std::string>& queue, std::chrono::milliseconds time, std::string item) {
    co_await sleep(time);
    std::ignore = co_await queue.put(std::move(item));
}

Task<> program() {
    auto first = co_await select(job("slow", 30ms), job("fast", 10ms));
    std::printf("%zu %s\n", first.index(), std::get<1>(first));

    Queue<std::string> queue;
    Event stop;
    create_task(put_later(queue, 10ms, "item"));
    auto next = co_await select(stop.wait(), queue.get());
    std::printf("%zu %s\n", next.index(), std::get<1>(next).c_str());
    stop.set();
    static_cast<void>(queue.put_nowait("kept"));
    co_await yield();
    auto kept = co_await queue.get();
    std::puts(kept.c_str());
}

int main() { run(program()); }
