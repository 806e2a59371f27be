#include <rouse/debug/task_list.hpp>

#include <algorithm>
#include <vector>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

std::vector<std::string> lines_of(Loop& loop) {
    std::vector<std::string> lines;
    rouse::for_each_task(loop, [&](const rouse::TaskInfo& task) {
        std::string line =
            std::string{task.name} + " " + (task.waits.empty() ? "is running or ready" : std::string{task.waits});
        if (!task.awaited.empty()) line += " " + std::string{task.awaited};
        if (task.waits == "sleeps") line += " until " + std::to_string(task.due.time_since_epoch() / 1s);
        if (task.cancel_requested) line += ", cancelled";
        lines.push_back(line);
    });
    std::sort(lines.begin(), lines.end());
    return lines;
}

Task<> waits_for(Event& event) { co_await event.wait(); }
Task<> waits_for_flag(ThreadSafeFlag& flag) { co_await flag.wait(); }
Task<> sleeps() { co_await sleep(3s); }
Task<> awaits(TaskHandle<> task) { co_await task; }

} // namespace

TEST_CASE(
    "scenario 28: when only waiters are left, the loop does not end, and the task list says what each waits for") {
    VirtualTimePort port;
    Loop loop{port};
    Event event;
    ThreadSafeFlag flag;
    const auto first = loop.create_task(waits_for(event), "first");
    loop.create_task(waits_for_flag(flag), "flagged");
    loop.create_task(sleeps(), "sleeper");
    loop.create_task(awaits(first), "follower");
    const std::vector<std::string> before = lines_of(loop);
    CHECK(before.size() == 4);
    CHECK(before[0] == "first is running or ready");
    loop.poll();
    const std::vector<std::string> waiting{
        "first waits for an Event",
        "flagged waits for a ThreadSafeFlag",
        "follower awaits a task first",
        "sleeper sleeps until 3",
    };
    CHECK(lines_of(loop) == waiting);
    first.cancel();
    CHECK(lines_of(loop)[0] == "first is running or ready, cancelled");
    event.set();
    flag.set();
    for (int i = 0; i < 4; ++i) loop.poll();
    CHECK(lines_of(loop) == std::vector<std::string>{"sleeper sleeps until 3"});
}

#if ROUSE_HOSTED // stdio
namespace {

std::string printed(Loop& loop) {
    std::FILE* out = std::tmpfile();
    print_tasks(loop, out);
    std::rewind(out);
    std::string text;
    for (int c; (c = std::fgetc(out)) != EOF;) text += static_cast<char>(c);
    std::fclose(out);
    return text;
}

} // namespace

TEST_CASE("print_tasks prints a line for each task") {
    VirtualTimePort port;
    Loop loop{port};
    Event event;
    loop.create_task(waits_for(event), "waiter");
    loop.create_task(sleeps());
    loop.poll();
    const std::string text = printed(loop);
    CHECK(text.find("task waiter waits for an Event\n") != std::string::npos);
    CHECK(text.find("task (unnamed) sleeps for 3.000 s\n") != std::string::npos);
}

TEST_CASE("print_tasks names what a custom awaiter waits in") {
    struct Awaiter final : AwaiterBase {
        explicit Awaiter(const char* object) : name{object} {}
        ~Awaiter() { leave(); }
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> frame) { park(frame); }
        void await_resume() const { check_cancelled(); }
        bool retract() noexcept override { return true; }
        const char* waits_in() const noexcept override { return name; }
        const char* name;
    };
    VirtualTimePort port;
    Loop loop{port};
    const auto wait = [](const char* object) -> Task<> { co_await Awaiter{object}; };
    loop.create_task(wait("a Gate"), "first");
    loop.create_task(wait(nullptr), "second");
    loop.poll();
    const std::string text = printed(loop);
    CHECK(text.find("task first waits in a Gate\n") != std::string::npos);
    CHECK(text.find("task second waits in a custom awaiter\n") != std::string::npos);
}
#endif
