// After fork(): what the child may do with a port, a loop and a socket that it has inherited, and what it may not.
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

struct Recorder final : detail::Watch {
    ~Recorder() = default;
    void on_ready(detail::Readiness) noexcept override { ++count; }
    int count = 0;
};

struct Pair {
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0); }
    ~Pair() {
        for (const int end : ends) ::close(end);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    int ends[2]{};
};

// A port and a loop whose tasks wait in all sorts of things. Asleep, as a host leaves it between two polls.
struct Busy {
    Busy() : loop{port.emplace()} {
        loop->create_task([](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); }(flag));
        loop->create_task([](ThreadSafeEvent& e) -> Task<> { co_await e.wait(); }(event));
        loop->create_task([](ThreadSafeQueue<int, 1>& q) -> Task<> { (void)co_await q.next(); }(queue));
        loop->create_task([]() -> Task<> { co_await sleep(1h); }());
        while (loop->poll()) {
        }
    }
    void destroy() {
        loop.reset();
        port.reset();
    }
    ThreadSafeFlag flag;
    ThreadSafeEvent event;
    ThreadSafeQueue<int, 1> queue;
    std::optional<EpollPort> port;
    std::optional<Loop> loop;
};

bool readable(int descriptor) {
    pollfd look{descriptor, POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

// Called in the child before anything that is registered later, as the handlers of the ports are.
void (*in_child_first)() = nullptr;
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, [] {
    if (in_child_first != nullptr) in_child_first();
});

EpollPort* port_of_parent = nullptr;
volatile std::sig_atomic_t handled = 0;

} // namespace

TEST_CASE("an inherited loop is destroyed in the child, descriptors and all; the parent's goes on") {
    Busy busy;
    Pair pair;
    Recorder watch;
    REQUIRE(busy.port->arm(pair.ends[0], watch) == 0);
    busy.port->wait_until(at_once); // it is writable
    const int before = watch.count;
    SECTION("as it stands") {
        CHECK(in_child([&] {
                  const int epoll = busy.loop->native_handle();
                  busy.port->remove(pair.ends[0], watch);
                  busy.destroy();
                  return ::fcntl(epoll, F_GETFD) == -1 && errno == EBADF;
              }).well());
    }
    SECTION("with a wake that the parent is owed") {
        busy.event.set();
        CHECK(in_child([&] {
                  busy.destroy();
                  return true;
              }).well());
        CHECK(readable(busy.loop->native_handle()));
    }
    SECTION("with a wake that the child has sent") {
        CHECK(in_child([&] {
                  busy.event.set();
                  const bool put = busy.queue.put_sync(1);
                  busy.destroy();
                  return put;
              }).well());
        CHECK(!readable(busy.loop->native_handle()));
    }
    REQUIRE(::write(pair.ends[1], "x", 1) == 1);
    busy.flag.set();
    CHECK(readable(busy.loop->native_handle()));
    while (busy.loop->poll()) {
    }
    CHECK(watch.count == before + 1); // it is still watched
    CHECK(busy.loop->live_tasks() <= 3);
    busy.port->remove(pair.ends[0], watch);
}

TEST_CASE("an object in which a task of the parent waits is the child's once the inherited loop is gone") {
    Busy busy;
    const auto waits = [](ThreadSafeFlag& flag) -> Task<> { co_await flag.wait(); };
    CHECK(in_child([&] {
              const auto refused = misuse_of([&] { run(waits(busy.flag)); });
              busy.destroy();
              busy.flag.set();
              run(waits(busy.flag));
              return contains(refused, "ThreadSafeFlag::wait: another task is waiting");
          }).well());
}

TEST_CASE("running an inherited loop in the child is a panic that says so, and the parent keeps its events") {
    Busy busy;
    busy.flag.set();
    const char* const rule = "rouse: EpollPort: a loop that was inherited over fork() cannot be run";
    const auto refused = [&](auto runs) {
        const Child child = in_child([&] {
            runs(*busy.loop);
            return true;
        });
        CHECK(child.panicked());
        CHECK(contains(child.said, rule));
    };
    refused([](Loop& loop) { loop.poll(); });
    refused([](Loop& loop) { loop.run_forever(); });
    refused([](Loop& loop) {
        auto sleeps = []() -> Task<> { co_await sleep(1ms); };
        loop.run(sleeps());
    });
    refused([](Loop& loop) {
        Event never;
        auto waits = [&]() -> Task<> { co_await never.wait(); };
        loop.run(waits());
    });
    CHECK(busy.loop->live_tasks() == 4);
    while (busy.loop->poll()) {
    }
    CHECK(busy.loop->live_tasks() == 3);
}

TEST_CASE("a child that returns from a task it was forked in does not go on with the loop") {
    const auto forks = []() -> Task<> {
        const Child child = in_child([] { return true; });
        CHECK(child.well());
        const pid_t returns = ::fork();
        if (returns == 0) {
            const rlimit none{0, 0};
            ::setrlimit(RLIMIT_CORE, &none);
            std::signal(SIGABRT, SIG_DFL);
            if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(2);
            ::alarm(10);
            co_await sleep(1ms);
            ::_exit(1); // not reached
        }
        Child ended;
        ::waitpid(returns, &ended.status, 0);
        CHECK(ended.panicked());
        co_await sleep(1ms);
    };
    run(forks());
}

TEST_CASE("to watch a descriptor on an inherited port is bad use") {
    EpollPort port;
    Pair pair;
    Recorder watch;
    const Child child = in_child([&] {
        const auto message = misuse_of([&] { (void)port.arm(pair.ends[0], watch); });
        return contains(message,
                        "EpollPort: a descriptor cannot be watched on a loop that was inherited over fork(); make a "
                        "new port and loop");
    });
    CHECK(child.well());
    CHECK(port.wait_until(at_once) == 0);
}

TEST_CASE("a child that another thread has forked may destroy the loop of a thread that it does not have") {
    Busy busy;
    bool well = false;
    std::thread{[&] {
        well = in_child([&] {
                   busy.destroy();
                   return true;
               }).well();
    }}.join();
    CHECK(well);
}

TEST_CASE("a signal in the child's first moment does not wake the parent") {
    EpollPort port;
    port_of_parent = &port;
    const auto before = std::signal(SIGUSR1, [](int) {
        port_of_parent->wake();
        handled = handled + 1;
    });
    in_child_first = [] { ::kill(::getpid(), SIGUSR1); };
    const Child child = in_child([] { return handled == 1; });
    in_child_first = nullptr;
    CHECK(child.well());
    CHECK(handled == 0);
    CHECK(port.wait_until(port.now() + 1ms) == 0);
    std::raise(SIGUSR1); // signals are not held back any more, in the parent
    CHECK(handled == 1);
    CHECK(port.wait_until(no_deadline) == 1);
    std::signal(SIGUSR1, before);
}
