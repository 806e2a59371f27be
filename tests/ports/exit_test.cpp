// What happens when a thread or the program ends in the middle of a task.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include <rouse/threads/threads.hpp>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

// The end of a child that has called std::exit() while these were alive.
struct Global {
    EpollPort port;
    Loop loop{port};
};

struct Said {
    ~Said() { std::fputs("destroyed\n", stderr); }
};

Task<> exits(int code) {
    const Said said;
    std::exit(code);
    co_return;
}

Task<> waits(Event& event) {
    const Said said;
    co_await event.wait();
}

} // namespace

TEST_CASE("std::exit in a task of a loop that is a global ends the program, and destroys no frame") {
    const bool in_child_of_task = GENERATE(false, true);
    const bool by_poll = GENERATE(false, true);
    const Child child = in_child([&] {
        static Event never;
        static Global global;
        auto main = [](bool nested) -> Task<> {
            create_task(waits(never));
            co_await yield();
            if (nested) co_await exits(7);
            std::exit(7);
        };
        if (by_poll) {
            global.loop.create_task(main(in_child_of_task));
            while (global.loop.poll()) {
            }
        } else {
            global.loop.run(main(in_child_of_task));
        }
        return false;
    });
    CHECK(WIFEXITED(child.status));
    CHECK(WEXITSTATUS(child.status) == 7);
    CHECK(child.said.empty());
}

TEST_CASE("the program may end while a task of a loop that is a global runs on another thread") {
    const Child child = in_child([&] {
        static std::optional<Global> global; // made by the thread that runs it
        static std::atomic<bool> runs = false;
        auto main = []() -> Task<> {
            const Said said;
            runs = true;
            for (;;) ::pause();
            co_return;
        };
        std::thread{[&] {
            global.emplace();
            global->loop.run(main());
        }}.detach();
        while (!runs) std::this_thread::yield();
        std::exit(7);
        return false;
    });
    CHECK(WIFEXITED(child.status));
    CHECK(WEXITSTATUS(child.status) == 7);
    CHECK(child.said.empty());
}

TEST_CASE("a loop that one of its own tasks destroys is a panic that says so") {
    const Child child = in_child([&] {
        std::optional<VirtualTimePort> port{std::in_place};
        std::optional<Loop> loop{std::in_place, *port};
        auto destroys = [&]() -> Task<> {
            loop.reset();
            co_return;
        };
        loop->run(destroys());
        return true;
    });
    CHECK(child.panicked());
    CHECK(contains(child.said, "Loop::~Loop: the loop is running"));
}

#if ROUSE_EXCEPTIONS

TEST_CASE("pthread_exit in a task or in a function on another thread is a panic that says what to do") {
    const auto refused = [](std::function<void()> runs) {
        const Child child = in_child([&] {
            std::thread{[&] { runs(); }}.join();
            return true;
        });
        CHECK(child.panicked());
        return contains(child.said, "return instead, and end the thread of a loop after run() has returned");
    };
    auto in_task = []() -> Task<> {
        ::pthread_exit(nullptr);
        co_return;
    };
    auto in_nested = [&]() -> Task<> {
        co_await yield();
        co_await in_task();
    };
    auto ends_thread = [] { ::pthread_exit(nullptr); };
    auto in_unblock = [&]() -> Task<> { co_await unblock(ends_thread); };
    auto in_context = [&]() -> Task<> {
        Context context;
        co_await context.assign(ends_thread);
    };
    auto in_body = []() -> Task<> {
        auto body = [](TaskGroup&) -> Task<> {
            ::pthread_exit(nullptr);
            return {};
        };
        co_await TaskGroup::run(body);
    };
    CHECK(refused([&] { run(in_task()); }));
    CHECK(refused([&] { run(in_nested()); }));
    CHECK(refused([&] { run(in_unblock()); }));
    CHECK(refused([&] { run(in_context()); }));
    CHECK(refused([&] { run(in_body()); }));
}

#endif
