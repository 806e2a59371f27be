#include <rouse/io/signal.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/counting_port.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "support/spin.hpp"

using namespace test;

namespace {

std::atomic<int> seen_by_old{0};

// A handler of somebody else's, which is there before a Signal.
class OldHandler {
public:
    explicit OldHandler(int number) : number_{number} {
        seen_by_old = 0;
        struct sigaction action{};
        action.sa_handler = handle;
        action.sa_flags = static_cast<int>(SA_NODEFER);
        ::sigaction(number_, &action, &before_);
    }
    ~OldHandler() { ::sigaction(number_, &before_, nullptr); }
    OldHandler(const OldHandler&) = delete;
    OldHandler& operator=(const OldHandler&) = delete;

    bool in_place() const {
        struct sigaction now{};
        ::sigaction(number_, nullptr, &now);
        return now.sa_handler == handle && (now.sa_flags & static_cast<int>(SA_NODEFER)) != 0;
    }

private:
    static void handle(int) { ++seen_by_old; }

    int number_;
    struct sigaction before_{};
};

bool is_default(int number) {
    struct sigaction now{};
    ::sigaction(number, nullptr, &now);
    return now.sa_handler == SIG_DFL;
}

std::string error_of(std::initializer_list<int> numbers) {
    try {
        const Signal signals(numbers);
    } catch (const std::system_error& error) {
        CHECK(error.code().value() == EINVAL);
        return error.what();
    }
    return "nothing";
}

Task<> wait_once(Signal& signals, Log& log) {
    const int number = co_await signals.wait();
    log(number);
}

// A wait during which a signal comes after it has looked and before it is suspended.
template <class Wait>
struct RaisesBetween {
    Wait wait;
    bool await_ready() {
        const bool ready = wait.await_ready();
        std::raise(SIGUSR1);
        return ready;
    }
    bool await_suspend(std::coroutine_handle<> frame) { return wait.await_suspend(frame); }
    int await_resume() { return wait.await_resume(); }
};

Task<int> wait_for_one(Signal& signals) { co_return co_await signals.wait(); }

// Another thread calls `raises` while the loop sleeps, again and again. Returns how often the port was woken.
template <class F>
int wakes_a_sleeping_loop(F raises) {
    CountingPort port;
    Loop loop{port};
    Signal signals{SIGUSR1};
    for (int i = 0; i < 20; ++i) {
        std::thread other{[&port, raises] {
            while (!port.sleeping) std::this_thread::yield();
            std::this_thread::sleep_for(2ms); // into epoll_wait itself
            raises();
        }};
        const int number = loop.run(wait_for_one(signals));
        other.join();
        CHECK(number == SIGUSR1);
    }
    return port.wakes;
}

// Rouses the task that waits, and takes the number before it has arrived: as if the handler had added its number, and
// come to the waiter only when somebody had taken that and the next one had begun to wait.
void rouse_for_nothing(Signal& signals) {
    std::raise(SIGUSR1);
    auto taken = signals.wait();
    CHECK(taken.await_resume() == SIGUSR1);
}

// Time that passes when the loop sleeps; and something that comes in between a turn's look into the inbox and its look
// at the clock.
class InterruptedPort final : public Port {
public:
    InterruptedPort() = default;
    ~InterruptedPort() = default;

    TimePoint now() const noexcept override {
        if (before_now) std::exchange(before_now, nullptr)();
        return port_.now();
    }
    unsigned wait_until(TimePoint deadline) noexcept override { return port_.wait_until(deadline); }
    void wake() noexcept override { port_.wake(); }

    mutable std::function<void()> before_now; // once

private:
    VirtualTimePort port_;
};

} // namespace

TEST_CASE("Signal: a signal that the task raises is given to the wait, and to received") {
    Signal signals{SIGUSR1};
    run([](Signal& s) -> Task<> {
        CHECK(s.received() == std::nullopt);
        std::raise(SIGUSR1);
        const int number = co_await s.wait();
        CHECK(number == SIGUSR1);
        CHECK(s.received() == std::nullopt);
        std::raise(SIGUSR1);
        CHECK(s.received() == SIGUSR1);
        CHECK(s.received() == std::nullopt);
    }(signals));
}

TEST_CASE("Signal: several are given once each, the lowest number first") {
    Signal signals{SIGUSR2, SIGHUP, SIGUSR1};
    for (const int number : {SIGUSR2, SIGUSR1, SIGHUP, SIGUSR1, SIGUSR1}) std::raise(number);
    std::vector<int> got;
    run([](Signal& s, std::vector<int>& all) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const int number = co_await s.wait();
            all.push_back(number);
        }
        CHECK(s.received() == std::nullopt);
    }(signals, got));
    CHECK(got == std::vector<int>{SIGHUP, SIGUSR1, SIGUSR2});
}

TEST_CASE("Signal: one that comes between two waits is not lost") {
    Signal signals{SIGUSR1, SIGUSR2};
    run([](Signal& s) -> Task<> {
        std::raise(SIGUSR1);
        const int first = co_await s.wait();
        CHECK(first == SIGUSR1);
        std::raise(SIGUSR2);
        co_await sleep(1ms);
        const int second = co_await s.wait();
        CHECK(second == SIGUSR2);
    }(signals));
}

TEST_CASE("Signal: the real-time signals, up to the highest, are given as well") {
    Signal signals{SIGRTMAX, SIGRTMIN};
    std::raise(SIGRTMAX);
    std::raise(SIGRTMIN);
    CHECK(signals.received() == SIGRTMIN);
    CHECK(signals.received() == SIGRTMAX);
}

TEST_CASE("Signal: one that is raised while the task waits wakes it") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        const auto task = create_task(wait_once(s, l));
        co_await yield();
        CHECK(!task.done());
        std::raise(SIGUSR1);
        co_await task;
    }(signals, log));
    CHECK(log == std::to_string(SIGUSR1));
}

TEST_CASE("Signal: one that comes when the task has looked and does not wait yet is not lost") {
    Signal signals{SIGUSR1};
    run([](Signal& s) -> Task<> {
        RaisesBetween<decltype(s.wait())> wait{s.wait()};
        const int number = co_await wait; // or it hangs
        CHECK(number == SIGUSR1);
        std::raise(SIGUSR1);
        const int next = co_await s.wait(); // nobody is taken to wait any more
        CHECK(next == SIGUSR1);
    }(signals));
}

TEST_CASE("Signal: a kill from another thread wakes a loop that sleeps") {
    wakes_a_sleeping_loop([] { ::kill(::getpid(), SIGUSR1); });
}

TEST_CASE("Signal: a handler on another thread wakes a loop that sleeps, whose thread is not interrupted") {
    CHECK(wakes_a_sleeping_loop([] { ::pthread_kill(::pthread_self(), SIGUSR1); }) >= 1);
}

TEST_CASE("Signal: another process sends one") {
    Signal signals{SIGUSR2};
    const pid_t child = ::fork();
    if (child == 0) {
        ::usleep(20'000);
        ::kill(::getppid(), SIGUSR2);
        ::_exit(0);
    }
    REQUIRE(child > 0);
    const int number = run(wait_for_one(signals));
    CHECK(number == SIGUSR2);
    CHECK(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("Signal: a child of fork destroys the one that it has inherited, and makes its own") {
    auto signals = std::make_unique<Signal>(std::initializer_list<int>{SIGUSR1});
    const auto child = in_child([&] {
        signals.reset();
        const bool put_back = is_default(SIGUSR1);
        Signal own{SIGUSR1};
        std::raise(SIGUSR1);
        return put_back && own.received() == SIGUSR1;
    });
    CHECK(child.well());
    CHECK(signals->received() == std::nullopt);
}

TEST_CASE("Signal: a cancelled wait loses no signal") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        auto task = create_task(wait_once(s, l));
        co_await yield();
        std::raise(SIGUSR1); // and it is roused
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
        const int number = co_await s.wait();
        CHECK(number == SIGUSR1);

        task = create_task(wait_once(s, l));
        co_await yield();
        CHECK(task.cancel());
        std::raise(SIGUSR1); // after it was taken out
        co_await task.outcome();
        CHECK(task.cancelled());
        CHECK(s.received() == SIGUSR1);
    }(signals, log));
    CHECK(log == "");
}

TEST_CASE("Signal: a wait whose time is up loses no signal, and another may wait at once") {
    Signal signals{SIGUSR1};
    run([](Signal& s) -> Task<> {
        const auto task = create_task(try_wait_for(s.wait(), 1ms));
        const auto outcome = co_await task;
        CHECK(outcome.timed_out());
        std::raise(SIGUSR1);
        const int number = co_await s.wait(); // while the frame of the first is still there
        CHECK(number == SIGUSR1);
    }(signals));
}

TEST_CASE("Signal: a task that was roused for what another has taken waits on") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        const auto task = create_task(wait_once(s, l));
        co_await yield();
        rouse_for_nothing(s);
        co_await sleep(1ms);
        CHECK(!task.done());
        std::raise(SIGUSR1);
        co_await task;
    }(signals, log));
    CHECK(log == std::to_string(SIGUSR1));
}

TEST_CASE("Signal: a task that was roused for what another has taken, and is cancelled, makes room for the next") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        const auto task = create_task(wait_once(s, l));
        co_await yield();
        rouse_for_nothing(s);
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());
        std::raise(SIGUSR1);
        const int number = co_await s.wait();
        CHECK(number == SIGUSR1);
    }(signals, log));
    CHECK(log == "");
}

TEST_CASE("Signal: a task that was roused for what another has taken, and whose time is up, is told so") {
    InterruptedPort port;
    Loop loop{port};
    Signal signals{SIGUSR1};
    loop.run([](InterruptedPort& p, Signal& s) -> Task<> {
        const auto timed = create_task(try_wait_for(s.wait(), 1ms));
        co_await yield();
        p.before_now = [&s] { rouse_for_nothing(s); };
        const auto outcome = co_await timed;
        CHECK(outcome.timed_out());
        CHECK(!p.before_now);
        std::raise(SIGUSR1);
        const int number = co_await s.wait(); // while the frame of the first is still there
        CHECK(number == SIGUSR1);
    }(port, signals));
}

TEST_CASE("Signal: in a select it wins with its number, and loses without losing it") {
    Signal signals{SIGUSR1};
    run([](Signal& s) -> Task<> {
        std::raise(SIGUSR1);
        const auto first = co_await select(sleep(1h), s.wait());
        REQUIRE(first.index() == 1);
        CHECK(std::get<1>(first) == SIGUSR1);
        Event event;
        auto both = [](Event& e, Signal& its) -> Task<std::size_t> {
            const auto winner = co_await select(e.wait(), its.wait());
            co_return winner.index();
        };
        const auto task = create_task(both(event, s));
        co_await yield();
        event.set();
        std::raise(SIGUSR1);
        const std::size_t second = co_await task;
        CHECK(second == 0);
        CHECK(s.received() == SIGUSR1);
    }(signals));
}

TEST_CASE("Signal: what comes while a task waits is that task's, and not received's") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        const auto task = create_task(wait_once(s, l));
        co_await yield();
        std::raise(SIGUSR1);
        CHECK(s.received() == std::nullopt);
        co_await task;
    }(signals, log));
    CHECK(log == std::to_string(SIGUSR1));
}

TEST_CASE("Signal: a second waiter is a clear error, and the first waits on") {
    Signal signals{SIGUSR1};
    Log log;
    run([](Signal& s, Log& l) -> Task<> {
        const auto task = create_task(wait_once(s, l));
        co_await yield();
        std::string message;
        try {
            co_await s.wait();
        } catch (const UsageError& error) {
            message = error.what();
        }
        CHECK(message == "rouse: Signal::wait: another task is waiting; one at a time may");
        std::raise(SIGUSR1);
        co_await task;
    }(signals, log));
    CHECK(log == std::to_string(SIGUSR1));
}

TEST_CASE("Signal: destroyed while a task waits, that waits until it is cancelled; if it was roused it goes on") {
    Log log;
    run([](Log& l) -> Task<> {
        std::optional<Signal> signals{std::in_place, std::initializer_list<int>{SIGUSR1}};
        auto task = create_task(wait_once(*signals, l));
        co_await yield();
        signals.reset();
        co_await sleep(1ms);
        CHECK(!task.done());
        CHECK(task.cancel());
        co_await task.outcome();
        CHECK(task.cancelled());

        signals.emplace(std::initializer_list<int>{SIGUSR1});
        task = create_task(wait_once(*signals, l));
        co_await yield();
        std::raise(SIGUSR1);
        signals.reset();
        co_await task;
    }(log));
    CHECK(log == std::to_string(SIGUSR1));
}

TEST_CASE("Signal: the old handler gets none while it lives, and is put back with its flags") {
    const OldHandler old{SIGUSR1};
    {
        Signal signals{SIGUSR1};
        std::raise(SIGUSR1);
        CHECK(seen_by_old == 0);
        CHECK(!old.in_place());
    }
    CHECK(old.in_place());
    std::raise(SIGUSR1);
    CHECK(seen_by_old == 1);
}

TEST_CASE("Signal: the handler keeps errno, and lets a system call go on") {
    Signal signals{SIGUSR1};
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pthread_t here = ::pthread_self();
    std::thread other{[&ends, here] {
        std::this_thread::sleep_for(20ms);
        ::pthread_kill(here, SIGUSR1);
        std::this_thread::sleep_for(20ms);
        const char byte = 'x';
        static_cast<void>(::write(ends[1], &byte, 1));
    }};
    char byte = 0;
    errno = ERANGE;
    const ssize_t count = ::read(ends[0], &byte, 1);
    CHECK(errno == ERANGE);
    other.join();
    CHECK(count == 1);
    CHECK(signals.received() == SIGUSR1);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("Signal: a second one for the same signal is an error that names it, and then nothing stays installed") {
    const OldHandler old{SIGHUP};
    Signal signals{SIGUSR1};
    const std::string message = misuse_of([] { const Signal second{SIGHUP, SIGUSR1}; });
    CHECK(contains(message, "rouse: Signal: signal " + std::to_string(SIGUSR1) + " ("));
    CHECK(contains(message, "is taken by a Signal; one at a time may have it"));
    CHECK(old.in_place());
    std::raise(SIGUSR1); // the first one is as it was
    CHECK(signals.received() == SIGUSR1);
    const Signal other{SIGHUP}; // and what was given back can be taken
}

TEST_CASE("Signal: the same number twice, or no number, is a clear error") {
    CHECK(contains(misuse_of([] { const Signal signals{SIGUSR1, SIGUSR1}; }), "signal " + std::to_string(SIGUSR1)));
    CHECK(is_default(SIGUSR1));
    CHECK(misuse_of([] { const Signal signals{}; }) == "rouse: Signal: needs at least one signal to wait for");
}

TEST_CASE("Signal: what cannot be handled is an error that names it, and then nothing stays installed") {
    const OldHandler old{SIGUSR1};
    for (const int number : {SIGKILL, SIGSTOP, 0, -1, 65, 1'000'000'000, 32}) {
        const std::string message = error_of({SIGUSR1, number});
        CHECK(contains(message, "rouse: Signal: cannot handle signal " + std::to_string(number) + " ("));
        CHECK(old.in_place());
    }
    CHECK_NOTHROW(Signal{SIGUSR1});
}

TEST_CASE("Signal: none is lost at whatever moment it comes while tasks wait, are cancelled and time out") {
    constexpr int most = 10'000;
    Signal signals{SIGUSR1, SIGUSR2};
    std::atomic<int> taken{0};
    std::thread other{[&taken] {
        for (int i = 0; i < most; ++i) {
            spin(i * 7 % 3000);
            ::pthread_kill(::pthread_self(), i % 2 == 0 ? SIGUSR1 : SIGUSR2);
            while (taken != i + 1) std::this_thread::yield(); // or it hangs
        }
    }};
    std::vector<int> got;
    run([](Signal& s, std::atomic<int>& count, std::vector<int>& all) -> Task<> {
        for (int i = 0; count < most; ++i) {
            if (i % 4 == 0) {
                auto task = create_task(try_wait_for(s.wait(), std::chrono::microseconds{i % 50}));
                auto outcome = co_await task;
                if (outcome.timed_out()) continue;
                all.push_back(outcome.value());
            } else if (i % 4 == 1) {
                auto task = create_task([](Signal& its) -> Task<int> { co_return co_await its.wait(); }(s));
                for (int turns = i % 20; turns >= 0; --turns) co_await yield();
                task.cancel();
                auto outcome = co_await task.outcome();
                if (outcome.cancelled()) continue;
                all.push_back(outcome.value());
            } else if (i % 4 == 2) {
                std::optional<int> number;
                for (int looks = 0; looks < 2000 && !number; ++looks) number = s.received();
                if (!number) continue;
                all.push_back(*number);
            } else {
                const int number = co_await s.wait();
                all.push_back(number);
            }
            ++count;
        }
    }(signals, taken, got));
    other.join();
    REQUIRE(got.size() == most);
    int wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) wrong += got[i] != (i % 2 == 0 ? SIGUSR1 : SIGUSR2);
    CHECK(wrong == 0);
}

TEST_CASE("Signal: objects are made and destroyed in a storm of signals on other threads") {
    const OldHandler old{SIGUSR1}; // or a signal between two objects would end us
    const OldHandler old_too{SIGUSR2};
    std::atomic<bool> over{false};
    std::atomic<bool> ready{false};
    std::thread target{[&] {
        ready = true;
        while (!over) ::usleep(50);
    }};
    while (!ready) std::this_thread::yield();
    std::thread sender{[&] {
        for (int i = 0; !over; ++i) {
            ::pthread_kill(target.native_handle(), i % 2 == 0 ? SIGUSR1 : SIGUSR2); // a handler on that thread
            ::pthread_kill(::pthread_self(), SIGUSR1);                              // one on this
        }
    }};
    int given = 0;
    run([](int& count) -> Task<> {
        for (int i = 0; i < 1000; ++i) {
            auto signals = std::make_unique<Signal>(std::initializer_list<int>{SIGUSR1, SIGUSR2});
            if (i % 2 == 0) {
                const int number = co_await signals->wait();
                CHECK((number == SIGUSR1 || number == SIGUSR2));
                ++count;
            } else if (i % 4 == 1) {
                const auto task = create_task([](Signal& s) -> Task<> { co_await s.wait(); }(*signals));
                co_await yield();
                signals.reset(); // while it waits, and handlers rouse it
                task.cancel();
                co_await task.outcome();
            }
        }
    }(given));
    over = true;
    sender.join();
    target.join();
    CHECK(given == 500);
    CHECK(old.in_place());
    CHECK(old_too.in_place());
}
