// create_task where the loop does not run: on a thread, which is told, whether or not it names the loop; and in an
// interrupt, which may come in the middle of the loop's own create_task. Right: hand over a request, and let
// a task of the loop create it.
#include <rouse/rouse.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "interrupt_timer.hpp"

using namespace rouse;
using namespace std::chrono_literals;

static int begun = 0;
Task<> job() {
    ++begun;
    co_return;
}

// ---- on a thread ----

void on_a_thread() {
    try {
        create_task(job());
    } catch (const UsageError& error) {
        std::printf("a thread: %s\n", error.what());
    }
}

void on_the_loop_of_another_thread() {
    DefaultPort port;
    Loop loop{port};
    auto main = [&]() -> Task<> {
        std::thread{[&loop] {
            try {
                loop.create_task(job());
            } catch (const UsageError& error) {
                std::printf("a thread that names the loop: %s\n", error.what());
            }
        }}.join();
        co_return;
    };
    loop.run(main());
}

// ---- in an interrupt ----

static volatile int requested = 0;
static constinit ThreadSafeQueue<int, 64> requests;
static bool through_a_queue = false;

void on_interrupt(int) {
    if (!through_a_queue) {
        create_task(job()); // wrong
        requested = requested + 1;
    } else if (requests.put_sync(1)) {
        requested = requested + 1;
    }
}

Task<> serve() {
    while (const auto request = co_await requests.next()) {
        for (int i = 0; i < *request; ++i) create_task(job());
    }
}

// The loop creates tasks of its own meanwhile. True if in the end all have begun.
static Task<bool> create_while_interrupted() {
    int own = 0;
    begun = 0;
    auto server = create_task(serve());
    auto timer = std::make_optional<example::InterruptTimer>(on_interrupt, 20'000);
    for (const auto end = Clock::now() + 1s; Clock::now() < end;) {
        for (int i = 0; i < 50; ++i, ++own) create_task(job());
        co_await yield();
    }
    timer.reset();
    requests.close();
    co_await server;
    co_await sleep(10ms);
    co_return begun == own + requested;
}

// In a process of its own: it may crash, or hang.
static bool goes_well() {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(2);
        ::_exit(run(create_while_interrupted()) ? 0 : 1);
    }
    int status = 0;
    pid_t ended = 0;
    for (int tenths = 0; tenths < 50 && ended == 0; ++tenths) {
        std::this_thread::sleep_for(100ms);
        ended = ::waitpid(child, &status, WNOHANG);
    }
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return false;
}

int main() {
    std::thread{on_a_thread}.join();
    on_the_loop_of_another_thread();
    std::printf("an interrupt: %s\n", goes_well() ? "all tasks have begun" : "tasks lost, or a crash");
    through_a_queue = true;
    std::printf("an interrupt that puts a request: %s\n",
                goes_well() ? "all tasks have begun" : "tasks lost, or a crash");
}
