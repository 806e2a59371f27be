// Faults that other libraries have had, as scenarios that must not happen here, by their numbers in the project's list:
// those of flags, time and loops that need threads, signals, the real clock or Linux.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

using WallClock = std::chrono::steady_clock;

// The CPU time that this process has used.
std::chrono::nanoseconds cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

// Counts how often the loop has slept.
class SleepCountingPort final : public Port {
public:
    SleepCountingPort() = default;
    ~SleepCountingPort() = default;
    TimePoint now() const noexcept override { return port_.now(); }
    unsigned wait_until(TimePoint deadline) noexcept override {
        if (deadline != at_once) ++sleeps;
        return port_.wait_until(deadline);
    }
    void wake() noexcept override { port_.wake(); }

    std::atomic<int> sleeps{0};

private:
    EpollPort port_;
};

// While it lives, all threads that this one starts, and itself, run on one CPU.
class OneCpu {
public:
    OneCpu() {
        CPU_ZERO(&before_);
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
            if (!CPU_ISSET(i, &before_)) continue;
            CPU_SET(i, &one);
            break;
        }
        pinned = ::sched_setaffinity(0, sizeof one, &one) == 0;
    }
    ~OneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OneCpu(const OneCpu&) = delete;
    OneCpu& operator=(const OneCpu&) = delete;

    bool pinned = false;

private:
    cpu_set_t before_;
};

// The descriptors of this process that are eventfds.
std::vector<int> eventfds() {
    std::vector<int> found;
    for (int i = 0; i < 1024; ++i) {
        std::error_code none;
        const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(i), none);
        if (link.string().find("eventfd") != std::string::npos) found.push_back(i);
    }
    return found;
}

ThreadSafeFlag signalled;
EpollPort* port_to_wake = nullptr;

} // namespace

TEST_CASE("scenario 29: a loop that sleeps, with a wait pending, uses next to no CPU time") {
    Event never;
    ThreadSafeFlag never_foreign;
    ThreadSafeQueue<int, 2> queue;
    auto waits = [&]() -> Task<> { co_await never.wait(); };
    auto waits_for_flag = [&]() -> Task<> { co_await never_foreign.wait(); };
    auto gets = [&]() -> Task<> { (void)co_await queue.next(); };
    auto main = [&]() -> Task<> {
        create_task(waits());
        create_task(waits_for_flag());
        create_task(gets());
        co_await sleep(300ms);
    };
    const auto before = cpu_time();
    run(main());
    CHECK(cpu_time() - before < 100ms); // one that spins takes 300
}

TEST_CASE("scenario 29: a thread that is blocked in a queue uses next to no CPU time") {
    ThreadSafeQueue<int, 2> queue;
    const auto before = cpu_time();
    std::thread thread{[&] { (void)queue.get_sync(block); }};
    std::this_thread::sleep_for(300ms);
    CHECK(cpu_time() - before < 30ms);
    queue.close();
    thread.join();
}

TEST_CASE("scenario 32: after a wake the loop sleeps again: no more sleeps than wakes") {
    SleepCountingPort port;
    Loop loop{port};
    ThreadSafeFlag flag;
    ThreadSafeQueue<int, 1> answers;
    constexpr int rounds = 20;
    auto main = [&]() -> Task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await flag.wait();
            CHECK(answers.put_sync(i));
        }
    };
    std::thread thread{[&] {
        for (int i = 0; i < rounds; ++i) {
            std::this_thread::sleep_for(5ms);
            flag.set();
            (void)answers.get_sync(block);
        }
    }};
    loop.run(main());
    thread.join();
    CHECK(port.sleeps <= 2 * rounds); // a late count of a wake may end a sleep early, once
}

TEST_CASE("scenario 33: a wake never blocks, even if nobody takes it in and the descriptor is full") {
    EpollPort port;
    port_to_wake = &port;
    const auto wakes = [](int) { port_to_wake->wake(); };
    const auto before = std::signal(SIGUSR1, wakes);
    for (int i = 0; i < 100'000; ++i) std::raise(SIGUSR1);
    CHECK(port.wait_until(TimePoint{}) == 100'000);

    const auto descriptors = eventfds();
    REQUIRE(!descriptors.empty());
    const std::uint64_t as_much_as_it_holds = UINT64_MAX - 1;
    REQUIRE(::write(descriptors.back(), &as_much_as_it_holds, sizeof as_much_as_it_holds) ==
            static_cast<ssize_t>(sizeof as_much_as_it_holds));
    errno = 0;
    std::raise(SIGUSR1);
    CHECK(errno == 0);
    std::signal(SIGUSR1, before);
    (void)port.wait_until(no_deadline); // returns
}

TEST_CASE("scenario 33: a flag set a hundred thousand times while the loop does not look is one wake") {
    EpollPort port;
    Loop loop{port};
    const auto sets = [](int) { signalled.set(); };
    const auto before = std::signal(SIGUSR1, sets);
    auto waits = []() -> Task<> { co_await signalled.wait(); };
    auto waiter = loop.create_task(waits());
    while (loop.poll()) {
    }
    for (int i = 0; i < 100'000; ++i) std::raise(SIGUSR1);
    while (loop.poll()) {
    }
    CHECK(waiter.done());
    CHECK(!signalled.is_set());
    std::signal(SIGUSR1, before);
}

TEST_CASE("scenario 34: on one CPU a round trip between a blocked thread and the loop does not cost a time slice") {
    const OneCpu one;
    if (!one.pinned) {
        WARN("cannot pin to one CPU here");
        return;
    }
    ThreadSafeQueue<int, 1> requests, answers;
    std::thread thread{[&] {
        while (const auto request = requests.get_sync(block)) {
            if (!answers.put_sync(*request, block)) return;
        }
    }};
    auto fastest = WallClock::duration::max(); // another process may delay any one of them, but not all
    auto main = [&]() -> Task<> {
        for (int i = 0; i < 200; ++i) {
            const auto start = WallClock::now();
            const bool asked = co_await requests.put(i);
            const int answer = co_await answers.get();
            fastest = std::min(fastest, WallClock::now() - start);
            CHECK(asked);
            CHECK(answer == i);
        }
        requests.close();
    };
    const auto before = cpu_time();
    run(main());
    thread.join();
    CHECK(fastest < 500us);
    CHECK(cpu_time() - before < 200 * 1ms); // nobody spins until the end of a time slice
}
