// A loop inside a host's loop, which knows nothing of it but its descriptor: level- or edge-triggered, nested in a step
// (a modal dialog that a task opens), under run(), with more ready descriptors than one wait reports.
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ports/in_child.hpp"
#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

using namespace test;

namespace {

constexpr int too_long = 20'000; // milliseconds, after which the host gives up: a wake was lost

/// A host that watches the descriptors of its loops, and nothing else.
class Host {
public:
    virtual ~Host() = default;

    /// Sleeps until a descriptor calls for a poll(), and polls.
    [[nodiscard]] virtual bool turn(int milliseconds) = 0;

    template <class F>
    [[nodiscard]] bool turns_until(F done) {
        while (!done()) {
            if (!turn(too_long)) return false;
        }
        return true;
    }

    /// Turns until no descriptor calls any more. False if they never stop.
    [[nodiscard]] bool settles() {
        for (int i = 0; i < 1000; ++i) {
            if (!turn(0)) return true;
        }
        return false;
    }
};

/// Calls poll() once each time that it finds the descriptor readable, and ignores what it returns.
class LevelHost final : public Host {
public:
    explicit LevelHost(Loop& loop) : loop_{loop}, descriptor_{loop.native_handle()} {}
    ~LevelHost() override = default;
    bool turn(int milliseconds) override {
        pollfd look{descriptor_, POLLIN, 0};
        if (::poll(&look, 1, milliseconds) != 1) return false;
        loop_.poll();
        return true;
    }

private:
    Loop& loop_;
    int descriptor_;
};

/// Is told once that the descriptor has become readable, and then calls poll() until it returns false.
class EdgeHost final : public Host {
public:
    explicit EdgeHost(Loop& loop) : loop_{loop} {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        REQUIRE(::epoll_ctl(epoll_, EPOLL_CTL_ADD, loop.native_handle(), &event) == 0);
    }
    EdgeHost(const EdgeHost&) = delete;
    EdgeHost& operator=(const EdgeHost&) = delete;
    ~EdgeHost() override { ::close(epoll_); }
    bool turn(int milliseconds) override {
        epoll_event event{};
        if (::epoll_wait(epoll_, &event, 1, milliseconds) != 1) return false;
        while (loop_.poll()) {
        }
        return true;
    }

private:
    Loop& loop_;
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
};

/// A loop with one of the hosts.
struct Hosted {
    explicit Hosted(bool edge) {
        if (edge) {
            host = std::make_unique<EdgeHost>(loop);
        } else {
            host = std::make_unique<LevelHost>(loop);
        }
    }
    EpollPort port;
    Loop loop{port};
    std::unique_ptr<Host> host;
};

Task<> waits(Event& event, Log& log, std::string word) {
    co_await event.wait();
    log(word);
}

Task<> waits(ThreadSafeFlag& flag, Log& log, std::string word) {
    co_await flag.wait();
    log(word);
}

Task<> sleeps(Clock::duration time, Log& log, std::string word) {
    co_await sleep(time);
    log(word);
}

Task<> logs(Log& log, std::string word) {
    log(word);
    co_return;
}

/// Opens a modal dialog: the host's loop, inside the task, until `done`.
template <class F>
Task<> opens_dialog(Host& host, Log& log, F done) {
    log("open");
    const bool closed = host.turns_until(done);
    log(closed ? "closed" : "hung");
    co_return;
}

/// One end of a pair of sockets, watched by a port. Counts what is reported.
class End final : public detail::Watch {
public:
    explicit End(EpollPort& port) : port_{port} {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) == 0);
        REQUIRE(port_.arm(ends_[0], *this) == 0);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() {
        port_.remove(ends_[0], *this);
        for (const int end : ends_) ::close(end);
    }
    /// From any thread.
    [[nodiscard]] bool feed() { return ::write(ends_[1], "x", 1) == 1; }
    void on_ready(detail::Readiness readiness) noexcept override {
        if (has_any(readiness, detail::Readiness::readable)) ++reports;
        if (ready != nullptr) ready->set();
    }

    int reports = 0;
    Event* ready = nullptr;

private:
    EpollPort& port_;
    int ends_[2]{};
};

/// A task that does random things, dialogs included. All of them end without any other task of the test.
class RandomTask {
public:
    RandomTask(Hosted& hosted, ThreadSafeQueue<ThreadSafeFlag*, 64>& requests, unsigned seed)
        : hosted_{hosted}, requests_{requests}, random_{seed} {}

    Task<> run(int depth) {
        for (int i = 0; i < 12; ++i) {
            switch (random_() % 8) {
            case 0: co_await yield(); break;
            case 1: co_await sleep(std::chrono::microseconds{random_() % 100}); break;
            case 2: co_await asks_thread(); break;
            case 3: (void)hosted_.host->turn(0); break;
            case 4: co_await cancels(); break;
            case 5: co_await wakes(); break;
            default:
                if (depth < 2) co_await opens_dialog_for(depth + 1);
            }
        }
    }

    bool hung = false;

private:
    Task<> asks_thread() {
        ThreadSafeFlag answered;
        while (!requests_.put_sync(&answered)) co_await yield();
        co_await answered.wait();
    }

    Task<> cancels() {
        auto sleeper = create_task(sleep_long());
        if (random_() % 2 == 0) co_await yield();
        sleeper.cancel();
        co_await sleeper.outcome();
    }

    Task<> wakes() {
        Event event;
        auto waiter = create_task(waits_only(event));
        if (random_() % 2 == 0) co_await yield();
        event.set();
        if (random_() % 2 == 0 && !hosted_.host->turns_until([&] { return waiter.done(); })) hung = true;
        co_await waiter;
    }

    Task<> opens_dialog_for(int depth) {
        auto child = create_task(run(depth));
        if (!hosted_.host->turns_until([&] { return child.done(); })) hung = true;
        co_await child;
    }

    static Task<> sleep_long() { co_await sleep(1h); }
    static Task<> waits_only(Event& event) { co_await event.wait(); }

    Hosted& hosted_;
    ThreadSafeQueue<ThreadSafeFlag*, 64>& requests_;
    std::minstd_rand random_;
};

int settings_of_timerfd = 0;

} // namespace

// In place of the C library's.
extern "C" int timerfd_settime(int descriptor, int flags, const itimerspec* when, itimerspec* before) noexcept {
    ++settings_of_timerfd;
    return static_cast<int>(::syscall(SYS_timerfd_settime, descriptor, flags, when, before));
}

TEST_CASE("the descriptor tells a host of what it made ready between two polls") {
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        Log log;
        Event event;
        const auto created = hosted.loop.create_task(waits(event, log, "set"));
        CHECK(hosted.host->settles());
        CHECK(log == "");
        event.set();
        CHECK(hosted.host->turns_until([&] { return created.done(); }));
        CHECK(log == "set");
        event.clear();
        auto cancelled = hosted.loop.create_task(waits(event, log, "wrong"));
        CHECK(hosted.host->settles());
        CHECK(cancelled.cancel());
        CHECK(hosted.host->turns_until([&] { return cancelled.done(); }));
        CHECK(hosted.host->settles());
        CHECK(log == "set");
    }
}

TEST_CASE("the descriptor tells a host that a timer is due, also one that is set between two polls and is earlier") {
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        Log log;
        Delay delay{1h};
        hosted.loop.create_task([](Delay& d, Log& l) -> Task<> {
            co_await d.wait();
            l("delay");
        }(delay, log));
        const auto later = hosted.loop.create_task(sleeps(1h, log, "wrong"));
        const auto sooner = hosted.loop.create_task(sleeps(2ms, log, "slept"));
        CHECK(hosted.host->turns_until([&] { return sooner.done(); }));
        CHECK(hosted.host->settles());
        delay.trigger(1ms);
        CHECK(hosted.host->turns_until([&] { return log == "slept delay"; }));
        // Again, once the deadline for which the alarm was set has passed.
        const auto again = hosted.loop.create_task(sleeps(1ms, log, "again"));
        CHECK(hosted.host->turns_until([&] { return again.done(); }));
        CHECK(hosted.host->settles());
        CHECK(!later.done());
    }
}

TEST_CASE("a deadline that is put off costs the host a call of poll() at most, and is met") {
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        Log log;
        const auto put_off = [](Log& l) -> Task<> {
            for (int i = 0; i < 50; ++i) {
                auto never = create_task(sleeps(1ms, l, "wrong"));
                co_await yield();
                CHECK(never.cancel());
            }
            co_await sleep(3ms);
            l("met");
        };
        const auto task = hosted.loop.create_task(put_off(log));
        const TimePoint start = hosted.port.now();
        CHECK(hosted.host->turns_until([&] { return task.done(); }));
        CHECK(hosted.port.now() - start >= 3ms);
        CHECK(log == "met");
        CHECK(hosted.host->settles());
    }
}

TEST_CASE("the timerfd is set when a deadline is earlier than the last, and not for each timer") {
    Hosted hosted{false};
    Log log;
    const auto task = hosted.loop.create_task([](Log& l) -> Task<> {
        for (int i = 0; i < 100; ++i) {
            auto limited = create_task(sleeps(1h, l, "wrong"));
            co_await yield();
            CHECK(limited.cancel());
            co_await yield();
        }
    }(log));
    settings_of_timerfd = 0;
    CHECK(hosted.host->settles());
    CHECK(task.done());
    CHECK(settings_of_timerfd <= 1);
    hosted.loop.create_task(sleeps(2h, log, "wrong"));
    CHECK(hosted.host->settles());
    CHECK(settings_of_timerfd <= 1);
    const int before = settings_of_timerfd;
    hosted.loop.create_task(sleeps(30min, log, "wrong"));
    CHECK(hosted.host->settles());
    CHECK(settings_of_timerfd == before + 1);
}

TEST_CASE("the descriptor tells a host of the tasks and timers that a run between two polls has left") {
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        Log log;
        CHECK(hosted.host->settles());
        TaskHandle<> left;
        const auto main = [&]() -> Task<> {
            left = create_task(sleeps(1ms, log, "left"));
            co_return;
        };
        hosted.loop.run_until_complete(main());
        CHECK(hosted.host->turns_until([&] { return left.done(); }));
        CHECK(hosted.host->settles());
    }
}

TEST_CASE("native_handle may be called at any time: before the first poll, asleep, and inside a task") {
    for (const bool edge : {false, true}) {
        for (const int when : {0, 1, 2}) {
            EpollPort port;
            Loop loop{port};
            Log log;
            Event event;
            const auto task = loop.create_task([](Loop& l, bool asks, Event& e, Log& g) -> Task<> {
                if (asks) (void)l.native_handle();
                co_await sleep(1ms);
                co_await e.wait();
                g("set");
            }(loop, when == 2, event, log));
            while (when > 0 && loop.poll()) {
            }
            const std::unique_ptr<Host> host =
                edge ? std::unique_ptr<Host>{new EdgeHost{loop}} : std::unique_ptr<Host>{new LevelHost{loop}};
            while (loop.next_deadline() != no_deadline) REQUIRE(host->turn(too_long));
            event.set();
            CHECK(host->turns_until([&] { return task.done(); }));
        }
    }
}

TEST_CASE(
    "while a task has opened a modal dialog, the other tasks run: ready ones, timers, and those that a host wakes") {
    for (int test = 0; test < 10; ++test) {
        const int which = test / 2;
        Hosted hosted{test % 2 == 1};
        Log log;
        Event by_host, by_task;
        hosted.loop.create_task(waits(by_host, log, "host"));
        hosted.loop.create_task(waits(by_task, log, "task"));
        CHECK(hosted.host->settles());
        if (which == 0) { // those that were ready
            hosted.loop.create_task(opens_dialog(*hosted.host, log, [&] { return log == "open ready"; }));
            hosted.loop.create_task(logs(log, "ready"));
            CHECK(hosted.host->turns_until([&] { return log == "open ready closed"; }));
        }
        if (which == 1) { // one that the task itself has made ready before
            const auto main = [&]() -> Task<> {
                by_task.set();
                co_await opens_dialog(*hosted.host, log, [&] { return log == "open task"; });
            };
            const auto task = hosted.loop.create_task(main());
            CHECK(hosted.host->turns_until([&] { return task.done(); }));
            CHECK(log == "open task closed");
        }
        if (which == 2) { // one for which the host makes something ready inside the dialog, and again after it
            const auto main = [&]() -> Task<> {
                create_task(logs(log, "created"));
                co_await opens_dialog(*hosted.host, log, [&] { return log == "open created"; });
                CHECK(hosted.host->settles());
                by_host.set();
                CHECK(hosted.host->turns_until([&] { return log == "open created closed host"; }));
                by_task.set(); // for when this task has ended
            };
            const auto task = hosted.loop.create_task(main());
            CHECK(hosted.host->turns_until([&] { return task.done(); }));
            CHECK(hosted.host->turns_until([&] { return log == "open created closed host task"; }));
        }
        if (which == 3) { // a timer that was set before, and one that is set in the dialog
            hosted.loop.create_task(sleeps(2ms, log, "slept"));
            hosted.loop.create_task(opens_dialog(*hosted.host, log, [&] { return log == "open slept"; }));
            CHECK(hosted.host->turns_until([&] { return log == "open slept closed"; }));
            const auto main = [&]() -> Task<> {
                Delay delay{1h};
                create_task([](Delay& d, Log& l) -> Task<> {
                    co_await d.wait();
                    l("delay");
                }(delay, log));
                CHECK(hosted.host->settles());
                delay.trigger(1ms);
                CHECK(hosted.host->turns_until([&] { return log == "open slept closed delay"; }));
                co_return;
            };
            const auto task = hosted.loop.create_task(main());
            CHECK(hosted.host->turns_until([&] { return task.done(); }));
        }
        if (which == 4) { // a dialog in a dialog, of which the outer one is to close first
            bool close_outer = false, close_inner = false;
            hosted.loop.create_task(opens_dialog(*hosted.host, log, [&] { return close_outer; }));
            hosted.loop.create_task(opens_dialog(*hosted.host, log, [&] { return close_inner; }));
            hosted.loop.create_task([](Log& l, bool& outer, bool& inner) -> Task<> {
                outer = true;
                co_await sleep(1ms);
                l("inner");
                inner = true;
            }(log, close_outer, close_inner));
            CHECK(hosted.host->turns_until([&] { return log == "open open inner closed closed"; }));
        }
        const std::string text = log;
        CHECK(!contains(text, "hung"));
        by_host.set();
        by_task.set();
        CHECK(hosted.host->turns_until([&] { return hosted.loop.live_tasks() == 0; }));
        CHECK(hosted.host->settles());
    }
}

TEST_CASE("while a task has opened a modal dialog, threads and descriptors wake the other tasks") {
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        Log log;
        ThreadSafeFlag flag;
        Event ready;
        End end{hosted.port};
        hosted.loop.create_task(waits(flag, log, "flag"));
        hosted.loop.create_task(waits(ready, log, "ready"));
        CHECK(hosted.host->settles());
        end.ready = &ready;
        std::atomic<int> opened{0};
        bool fed = false;
        std::thread thread{[&] {
            while (opened.load() < 1) std::this_thread::yield();
            flag.set();
            while (opened.load() < 2) std::this_thread::yield();
            fed = end.feed();
        }};
        const auto main = [&]() -> Task<> {
            opened = 1;
            CHECK(hosted.host->turns_until([&] { return log == "flag"; }));
            opened = 2;
            CHECK(hosted.host->turns_until([&] { return log == "flag ready"; }));
            co_return;
        };
        const auto task = hosted.loop.create_task(main());
        CHECK(hosted.host->turns_until([&] { return task.done(); }));
        thread.join();
        CHECK(fed);
        CHECK(hosted.host->settles());
    }
}

TEST_CASE("threads set flags all the time, before, in and after dialogs: none is lost") {
    constexpr int threads = 3, rounds = 300;
    for (const bool edge : {false, true}) {
        Hosted hosted{edge};
        ThreadSafeFlag flags[threads];
        std::vector<std::thread> setters;
        int received = 0;
        for (int i = 0; i < threads; ++i) {
            hosted.loop.create_task([](ThreadSafeFlag& f, Host& host, int n, int& count) -> Task<> {
                for (int round = 0; round < rounds; ++round) {
                    co_await f.wait();
                    ++count;
                    if (round % 7 == n) (void)host.turn(0); // a short dialog
                    if (round % 5 == n) co_await sleep(1us);
                }
            }(flags[i], *hosted.host, i, received));
        }
        std::atomic<int> seen{0};
        for (int i = 0; i < threads; ++i) {
            setters.emplace_back([&, i] {
                // Each set is to be received for itself, so a thread waits until the others' are, too.
                for (int round = 0; round < rounds; ++round) {
                    while (seen.load() < round * threads) std::this_thread::yield();
                    flags[i].set();
                }
            });
        }
        CHECK(hosted.host->turns_until([&] {
            seen = received;
            return hosted.loop.live_tasks() == 0;
        }));
        for (auto& thread : setters) thread.join();
        CHECK(received == threads * rounds);
        CHECK(hosted.host->settles());
    }
}

TEST_CASE("random tasks that open dialogs, sleep, cancel, and ask a thread all end") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        ThreadSafeQueue<ThreadSafeFlag*, 64> requests;
        std::thread thread{[&] {
            while (const auto flag = requests.get_sync(block)) (*flag)->set();
        }};
        {
            Hosted hosted{seed % 2 == 1};
            std::vector<std::unique_ptr<RandomTask>> tasks;
            for (unsigned i = 0; i < 4; ++i) {
                tasks.push_back(std::make_unique<RandomTask>(hosted, requests, seed * 10 + i));
                hosted.loop.create_task(tasks.back()->run(0));
            }
            CHECK(hosted.host->turns_until([&] { return hosted.loop.live_tasks() == 0; }));
            for (const auto& task : tasks) CHECK(!task->hung);
            CHECK(hosted.host->settles());
        }
        requests.close();
        thread.join();
    }
}

TEST_CASE("a nested poll() leaves the task on the stack as it was") {
    Hosted hosted{false};
    Log log;
    const auto main = [&]() -> Task<> {
        const auto self = current_task();
        const auto guard = on_cancel([&] { log("cancelled"); });
        auto other = create_task(sleeps(1h, log, "wrong"));
        create_task([](TaskHandle<> cancels, TaskHandle<> me) -> Task<> {
            cancels.cancel();
            me.cancel();
            co_return;
        }(other, self));
        for (int i = 0; i < 3; ++i) hosted.loop.poll();
        CHECK(other.cancelled());
        CHECK(current_task() == self);
        CHECK(&Loop::current() == &hosted.loop);
        CHECK(hosted.loop.running());
        log("dialog");
        co_await sleep(1h); // the cancellation is delivered here
        log("wrong");
    };
    const auto task = hosted.loop.create_task(main());
    CHECK(hosted.host->turns_until([&] { return task.done(); }));
    CHECK(task.cancelled());
    CHECK(log == "dialog cancelled");
    CHECK(!hosted.loop.running());
}

TEST_CASE("a task of one loop opens a dialog, in which the host polls another loop of the thread") {
    EpollPort port_a, port_b;
    Loop a{port_a}, b{port_b};
    LevelHost host_a{a}, host_b{b};
    Log log;
    const auto in_b = [&]() -> Task<> {
        CHECK(&Loop::current() == &b);
        co_await sleep(1ms);
        CHECK(&Loop::current() == &b);
        log("b");
    };
    const auto in_a = [&]() -> Task<> {
        b.create_task(in_b());
        CHECK(host_b.turns_until([&] { return log == "b"; }));
        CHECK(&Loop::current() == &a);
        co_await yield();
        CHECK(&Loop::current() == &a);
        log("a");
    };
    a.create_task(in_a());
    CHECK(host_a.turns_until([&] { return a.live_tasks() == 0; }));
    CHECK(&Loop::current() == &b); // none is running; it was made last
    CHECK(log == "b a");
}

TEST_CASE("poll() inside a task that run() resumes runs the other tasks, and ends where the run does") {
    VirtualTimePort port;
    Loop loop{port};
    Log log;
    Event event;
    const auto dialog = [&]() -> Task<> {
        create_task(logs(log, "other"));
        create_task(waits(event, log, "event"));
        while (loop.poll()) {
        }
        event.set();
        while (loop.poll()) {
        }
        log("closed");
        co_await sleep(1ms);
        loop.stop();
        create_task(logs(log, "after"));
        CHECK(!loop.poll()); // what is queued after the end of the run waits for the next one
        CHECK(log == "other event closed");
    };
    loop.create_task(dialog());
    loop.run_forever();
    CHECK(log == "other event closed");
    CHECK(!loop.poll());
    CHECK(log == "other event closed after");
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("a loop under run() whose task has polled sleeps and is woken as before") {
    EpollPort port;
    Loop loop{port};
    Log log;
    ThreadSafeFlag flag;
    std::thread thread;
    const auto main = [&]() -> Task<> {
        create_task(waits(flag, log, "flag"));
        for (const bool hosted : {false, true}) {
            if (hosted) (void)loop.native_handle();
            while (loop.poll()) {
            }
        }
        create_task(sleeps(1ms, log, "slept"));
        co_await sleep(2ms);
        thread = std::thread{[&] { flag.set(); }};
        while (log == "slept") co_await sleep(1ms);
        log("main");
    };
    loop.run(main());
    thread.join();
    CHECK(log == "slept flag main");
}

#if ROUSE_EXCEPTIONS
TEST_CASE("an exception handler may open a dialog") {
    Hosted hosted{false};
    Log log;
    hosted.loop.set_exception_handler([&](std::string_view, std::exception_ptr) {
        log("handler");
        CHECK(hosted.loop.running());
        CHECK(hosted.host->turns_until([&] { return log == "handler other"; }));
        CHECK(&Loop::current() == &hosted.loop);
    });
    Loop newer{hosted.port};
    hosted.loop.create_task([]() -> Task<> {
        co_await yield();
        throw 1;
    }());
    hosted.loop.create_task([](Log& l) -> Task<> {
        for (int i = 0; i < 3; ++i) co_await yield();
        l("other");
    }(log));
    CHECK(hosted.host->turns_until([&] { return hosted.loop.live_tasks() == 0; }));
    CHECK(&Loop::current() == &newer);
}
#endif

TEST_CASE("a loop that is destroyed inside a step of its own is a panic that says so") {
    const Child child = in_child([] {
        EpollPort port;
        auto loop = std::make_unique<Loop>(port);
        loop->create_task([](std::unique_ptr<Loop>& l) -> Task<> {
            l.reset();
            co_return;
        }(loop));
        loop->poll();
        return true;
    });
    CHECK(child.panicked());
    CHECK(contains(child.said, "rouse: Loop::~Loop: the loop is running"));
}

TEST_CASE("poll() from the destructor of a frame that ~Loop destroys does nothing") {
    struct Polls {
        explicit Polls(Loop& l) : loop{l} {}
        Polls(const Polls&) = delete;
        Polls& operator=(const Polls&) = delete;
        ~Polls() { CHECK(!loop.poll()); }
        Loop& loop;
    };
    Log log;
    {
        EpollPort port;
        Loop loop{port};
        const auto task = [&]() -> Task<> {
            const Polls polls{loop};
            co_await sleep(1h);
        };
        loop.create_task(task());
        loop.create_task(task());
        loop.poll();
        loop.create_task(logs(log, "wrong"));
    }
    CHECK(log == "");
}

TEST_CASE("with three hundred ready descriptors poll() returns true until nothing is left") {
    for (const bool waited_for : {false, true}) {
        Hosted hosted{true};
        Log log;
        Event ready;
        std::vector<std::unique_ptr<End>> ends;
        for (int i = 0; i < 300; ++i) ends.push_back(std::make_unique<End>(hosted.port));
        CHECK(hosted.host->settles()); // all are writable
        for (const auto& end : ends) {
            CHECK(end->reports == 0);
            if (waited_for) end->ready = &ready;
            CHECK(end->feed());
        }
        if (waited_for) hosted.loop.create_task(waits(ready, log, "ready"));
        while (hosted.loop.poll()) {
        }
        pollfd look{hosted.loop.native_handle(), POLLIN, 0};
        CHECK(::poll(&look, 1, 0) == 0);
        int reported = 0;
        for (const auto& end : ends) reported += end->reports;
        CHECK(reported == 300);
    }
}

TEST_CASE("a port that hosts again, for the next loop, keeps its descriptors and sets its alarm anew") {
    EpollPort port;
    for (int i = 0; i < 3; ++i) {
        Loop loop{port};
        LevelHost host{loop};
        Log log;
        loop.create_task(sleeps(1h, log, "wrong"));
        const auto task = loop.create_task(sleeps(1ms, log, "slept"));
        CHECK(host.turns_until([&] { return task.done(); }));
        CHECK(host.settles());
    }
}
