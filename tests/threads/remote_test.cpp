#include <rouse/threads/remote.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"
#include "threads/gate.hpp"

using namespace test;

namespace {

// Runs f on a thread and waits for its end.
template <class F>
void on_thread(F f) {
    std::thread{f}.join();
}

// A task that waits until `count` calls have been made.
Task<> until(const int& count, int wanted) {
    while (count < wanted) co_await yield();
}

} // namespace

TEST_CASE("Remote: a function that another thread sends is called on the loop") {
    std::thread::id there;
    run([](std::thread::id& id) -> Task<> {
        Event called;
        Remote remote{Loop::current()};
        std::thread sender{[remote, &id, &called]() mutable {
            CHECK(remote.call([&] {
                id = std::this_thread::get_id();
                called.set();
            }));
        }};
        co_await called.wait();
        sender.join();
    }(there));
    CHECK(there == std::this_thread::get_id());
}

TEST_CASE("Remote: a function may create tasks and use objects of the loop") {
    Log log;
    run_virtual([](Log& l) -> Task<> {
        Remote remote{Loop::current()};
        on_thread([&] {
            CHECK(remote.call([&l] {
                l("call");
                create_task([](Log& to) -> Task<> {
                    to("task");
                    co_return;
                }(l));
            }));
        });
        co_await sleep(1ms);
    }(log));
    CHECK(log == "call task");
}

TEST_CASE("Remote: on the loop's own thread a function is called later, not inside call()") {
    Log log;
    run_virtual([](Log& l) -> Task<> {
        Remote remote{Loop::current()};
        CHECK(remote.call([&l] { l(1); }));
        CHECK(remote.call([&l, &remote] {
            l(2);
            CHECK(remote.call([&l] { l(4); }));
            l(3);
        }));
        l(0);
        co_await sleep(1ms);
    }(log));
    CHECK(log == "0 1 2 3 4");
}

TEST_CASE("Remote: a task of one loop calls a function on another loop of the same thread") {
    VirtualTimePort port_a;
    VirtualTimePort port_b;
    Loop a{port_a};
    Loop b{port_b};
    Remote to_b{b};
    Loop* ran_on = nullptr;
    a.run([](Remote& remote, Loop*& on) -> Task<> {
        CHECK(remote.call([&on] { on = &Loop::current(); }));
        co_await sleep(1ms);
        CHECK(on == nullptr); // only b may call it
    }(to_b, ran_on));
    b.run([]() -> Task<> { co_await sleep(1ms); }());
    CHECK(ran_on == &b);
}

TEST_CASE("Remote: what each thread sends begins in the order of sending") {
    constexpr int threads = 4;
    constexpr int each = 2000;
    std::vector<int> seen[threads];
    int count = 0;
    run([](std::vector<int>* lists, int& n) -> Task<> {
        Remote remote{Loop::current()};
        std::vector<std::thread> all;
        for (int i = 0; i < threads; ++i) {
            all.emplace_back([copy = remote, i, lists, &n]() mutable {
                for (int k = 0; k < each; ++k) {
                    const bool accepted = copy.call(
                        [=, &n] {
                            lists[i].push_back(k);
                            ++n;
                        },
                        block);
                    if (!accepted) std::abort();
                }
            });
        }
        while (n < threads * each) co_await sleep(1ms);
        for (std::thread& thread : all) thread.join();
    }(seen, count));
    for (const auto& list : seen) {
        REQUIRE(list.size() == each);
        for (int k = 0; k < each; ++k) REQUIRE(list[std::size_t(k)] == k);
    }
}

TEST_CASE("Remote: calls that are sent while the loop does not run wait for its next run") {
    VirtualTimePort port;
    Loop loop{port};
    Remote remote{loop};
    int calls = 0;
    on_thread([&] { CHECK(remote.call([&] { ++calls; })); });
    CHECK(calls == 0);
    CHECK(remote.waiting() == 1);
    loop.run(until(calls, 1));
    CHECK(calls == 1);
    on_thread([&] { CHECK(remote.call([&] { ++calls; })); });
    loop.run(until(calls, 2));
    CHECK(calls == 2);
}

TEST_CASE("Remote: a host that polls the loop calls the functions") {
    DefaultPort port;
    Loop loop{port};
    Remote remote{loop};
    int calls = 0;
    while (loop.poll()) {
    }
    on_thread([&] { CHECK(remote.call([&] { ++calls; })); });
    while (loop.poll()) {
    }
    CHECK(calls == 1);
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("Remote: after the end of the loop call() is refused, and the function is untouched") {
    std::optional<Remote> remote;
    CHECK_FALSE([&] {
        VirtualTimePort port;
        Loop loop{port};
        remote.emplace(loop);
        return remote->loop_ended();
    }());
    CHECK(remote->loop_ended());
    struct Watched {
        bool* moved;
        Watched(bool& m) : moved{&m} {}
        Watched(Watched&& other) noexcept : moved{other.moved} { *moved = true; }
        void operator()() const {}
    };
    bool moved = false;
    CHECK_FALSE(remote->call(Watched{moved}));
    CHECK_FALSE(remote->call(Watched{moved}, block));
    CHECK_FALSE(remote->call(Watched{moved}, 1h));
    CHECK_FALSE(moved);
}

TEST_CASE("Remote: what has not begun when the loop ends is destroyed on the loop's thread, outside of the lock") {
    struct Closure {
        Remote remote;
        std::shared_ptr<std::string> log;
        std::thread::id home = std::this_thread::get_id();
        bool owner = true;
        Closure(Remote r, std::shared_ptr<std::string> l) : remote{std::move(r)}, log{std::move(l)} {}
        Closure(Closure&& other) noexcept
            : remote{other.remote}, log{other.log}, home{other.home}, owner{std::exchange(other.owner, false)} {}
        ~Closure() {
            if (!owner) return;
            // A lock that is held would block here for ever.
            *log += std::this_thread::get_id() == home ? "home" : "elsewhere";
            *log += remote.call([] {}) ? " accepted" : " refused";
        }
        void operator()() const { *log += "called"; }
    };
    const auto log = std::make_shared<std::string>();
    std::optional<Remote> remote;
    {
        VirtualTimePort port;
        Loop loop{port};
        remote.emplace(loop);
        on_thread([&, home = std::this_thread::get_id()] {
            Closure closure{*remote, log};
            closure.home = home;
            CHECK(remote->call(std::move(closure)));
        });
        CHECK(log->empty());
    }
    CHECK(*log == "home refused");
}

TEST_CASE("Remote: when too many calls wait, call() is refused, and with block it waits for room") {
    VirtualTimePort port;
    Loop loop{port};
    Remote remote{loop, 2};
    Log log;
    CHECK(remote.call([&] { log(1); }));
    CHECK(remote.call([&] { log(2); }));
    CHECK_FALSE(remote.call([&] { log(3); }));
    CHECK_FALSE(remote.call([&] { log(3); }, 1ms)); // no loop is running here, so this thread may block
    CHECK_FALSE(remote.loop_ended());
    std::atomic<bool> sent{false};
    std::thread sender{[&] {
        const bool accepted = remote.call([&] { log(4); }, block);
        sent = accepted;
    }};
    loop.run([](std::atomic<bool>& s) -> Task<> {
        while (!s) co_await yield();
        co_await sleep(1ms);
    }(sent));
    sender.join();
    CHECK(log == "1 2 4");
    CHECK(remote.waiting() == 0);
}

TEST_CASE("Remote: a thread that waits for room is refused when the loop ends") {
    std::thread sender;
    std::atomic<int> answer{-1};
    {
        VirtualTimePort port;
        Loop loop{port};
        Remote remote{loop, 1};
        CHECK(remote.call([] {}));
        sender = std::thread{[remote, &answer]() mutable { answer = remote.call([] {}, block) ? 1 : 0; }};
        // Whether it has begun to wait by now or not, it is refused.
    }
    sender.join();
    CHECK(answer == 0);
}

TEST_CASE("Remote: blocking on a thread that runs a loop is refused") {
    const std::string message = misuse_of([] {
        run_virtual([]() -> Task<> {
            Remote remote{Loop::current()};
            const bool accepted = remote.call([] {}, block);
            static_cast<void>(accepted);
            co_return;
        }());
    });
    CHECK(contains(message, "rouse: Remote::call: would block the loop that runs on this thread"));
}

TEST_CASE("Remote: must have room, and be made on the thread of the loop") {
    CHECK(contains(misuse_of([] {
                       VirtualTimePort port;
                       Loop loop{port};
                       const Remote remote{loop, 0};
                   }),
                   "rouse: Remote: needs room for at least one waiting call"));
#if ROUSE_CHECKED && ROUSE_EXCEPTIONS
    std::string message;
    VirtualTimePort port;
    Loop loop{port};
    on_thread([&] { message = misuse_of([&] { const Remote remote{loop}; }); });
    CHECK(contains(message, "rouse: Remote: made on another thread than that of the loop"));
#endif
}

TEST_CASE("Remote: other tasks get a turn while many calls are waiting") {
    int calls = 0;
    run_virtual([](int& n) -> Task<> {
        Remote remote{Loop::current()};
        for (int i = 0; i < 1000; ++i) CHECK(remote.call([&n] { ++n; }));
        co_await yield();
        while (n == 0) co_await yield();
        CHECK(n < 1000);
        while (n < 1000) co_await yield();
    }(calls));
    CHECK(calls == 1000);
}

TEST_CASE("Remote: calls that wait when the last run cancels its tasks are called all the same, in order") {
    Log log;
    {
        VirtualTimePort port;
        Loop loop{port};
        Remote remote{loop};
        loop.run([](Remote& r, Log& l) -> Task<> {
            for (int i = 0; i < 100; ++i) {
                CHECK(r.call([&l, i] {
                    if (i % 33 == 0) l(i);
                }));
            }
            co_await yield(); // the calls have arrived, and their task is ready when run() cancels it
        }(remote, log));
        loop.run([]() -> Task<> { co_await sleep(1ms); }());
    }
    CHECK(log == "0 33 66 99");
}

TEST_CASE("Remote: a call that calls again for ever does not keep run() from ending") {
    struct Again {
        Remote remote;
        void operator()() const {
            Remote copy = remote;
            CHECK(copy.call(Again{remote}));
        }
    };
    VirtualTimePort port;
    Loop loop{port};
    Remote remote{loop};
    loop.run([](Remote& r) -> Task<> {
        CHECK(r.call(Again{r}));
        for (int i = 0; i < 10; ++i) co_await yield();
    }(remote));
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("Remote: when no Remote is left, the calls that wait are made, and the loop releases what it holds") {
    VirtualTimePort port;
    Loop loop{port};
    int calls = 0;
    std::optional<Remote> remote{std::in_place, loop};
    on_thread([&] {
        CHECK(remote->call([&calls] { ++calls; }));
        remote.reset();
    });
    CHECK(calls == 0);
    loop.run(until(calls, 1));
    CHECK(loop.live_tasks() == 0);

    auto state = std::make_shared<detail::RemoteState>(detail::scheduler_of(loop), 1);
    const std::weak_ptr<detail::RemoteState> observer = state;
    state->attach();
    state->abandon();
    state.reset();
    CHECK_FALSE(observer.expired());
    while (loop.poll()) {
    }
    CHECK(observer.expired());
}

#if ROUSE_EXCEPTIONS

TEST_CASE("Remote: nor does it if a cancelled task takes time to end") {
    struct Again {
        Remote remote;
        void operator()() const {
            Remote copy = remote;
            CHECK(copy.call(Again{remote}));
        }
    };
    VirtualTimePort port;
    Loop loop{port};
    Remote remote{loop};
    loop.run([](Remote& r) -> Task<> {
        create_task([]() -> Task<> {
            bool cancelled = false;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                cancelled = true;
            }
            for (int i = 0; cancelled && i < 10; ++i) co_await yield();
        }());
        CHECK(r.call(Again{r}));
        for (int i = 0; i < 10; ++i) co_await yield();
    }(remote));
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("Remote: what a function throws goes to the loop's exception handler, and the next one is called") {
    VirtualTimePort port;
    Loop loop{port};
    Log log;
    loop.set_exception_handler([&](std::string_view name, std::exception_ptr error) {
        log(std::string{name});
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            log(e.what());
        }
    });
    Remote remote{loop};
    int calls = 0;
    CHECK(remote.call([] { throw std::runtime_error{"first"}; }));
    CHECK(remote.call([&] { ++calls; }));
    CHECK(remote.call([&] {
        ++calls;
        throw std::runtime_error{"third"};
    }));
    CHECK(remote.call([&] { ++calls; }));
    loop.run(until(calls, 3));
    CHECK(log == "Remote::call first Remote::call third");
}

TEST_CASE("Remote: an exception of a function's move leaves the Remote as it was") {
    struct Thrower {
        Thrower() = default;
        Thrower(Thrower&&) { throw std::runtime_error{"no move"}; }
        void operator()() const {}
    };
    VirtualTimePort port;
    Loop loop{port};
    Remote remote{loop, 1};
    CHECK_THROWS_AS(remote.call(Thrower{}), std::runtime_error);
    int calls = 0;
    CHECK(remote.call([&] { ++calls; }));
    loop.run(until(calls, 1));
}

TEST_CASE("Remote: spawn gives the value or the exception of the task to the thread") {
    run([]() -> Task<> {
        Remote remote{Loop::current()};
        Event done;
        std::thread sender{[remote, &done]() mutable {
            auto number = remote.spawn([]() -> Task<int> {
                co_await sleep(1ms);
                co_return 42;
            });
            CHECK(number.get() == 42);
            auto moved = remote.spawn([]() {
                return
                    [](std::unique_ptr<int> p) -> Task<std::unique_ptr<int>> { co_return p; }(std::make_unique<int>(5));
            });
            CHECK(*moved.get() == 5);
            auto failing = remote.spawn([]() -> Task<> {
                co_await yield();
                throw std::runtime_error{"no"};
            });
            CHECK_THROWS_AS(failing.get(), std::runtime_error);
            static int there = 1;
            auto reference = remote.spawn([]() -> Task<int&> { co_return there; });
            CHECK(&reference.get() == &there);
            auto throwing = remote.spawn([]() -> Task<> { throw std::logic_error{"not even a task"}; });
            CHECK_THROWS_AS(throwing.get(), std::logic_error);
            CHECK(remote.call([&done] { done.set(); }));
        }};
        co_await done.wait();
        sender.join();
    }());
}

TEST_CASE(
    "Remote: spawn keeps a lambda with captures until its task has ended, and destroys it before the future is ready") {
    std::atomic<int> alive{0};
    struct Counted {
        std::atomic<int>* count;
        explicit Counted(std::atomic<int>& c) : count{&c} { ++c; }
        Counted(const Counted& other) : count{other.count} { ++*count; }
        ~Counted() { --*count; }
    };
    run([](std::atomic<int>& n) -> Task<> {
        Remote remote{Loop::current()};
        Event done;
        std::thread sender{[remote, &done, &n]() mutable {
            auto future = remote.spawn([captured = Counted{n}]() -> Task<int> {
                co_await sleep(1ms);
                co_return captured.count->load();
            });
            CHECK(future.get() >= 1);
            CHECK(n == 0);
            CHECK(remote.call([&done] { done.set(); }));
        }};
        co_await done.wait();
        sender.join();
    }(alive));
}

TEST_CASE("Remote: the future of a task that is cancelled holds CancelledError, also if it had not begun") {
    std::future<int> running;
    std::future<int> fresh;
    std::future<int> pending;
    std::optional<Remote> remote;
    {
        VirtualTimePort port;
        Loop loop{port};
        remote.emplace(loop);
        loop.run([](Remote& r, std::future<int>& a, std::future<int>& b) -> Task<> {
            const auto never = []() -> Task<int> {
                co_await sleep(24h);
                co_return 1;
            };
            a = r.spawn(never);
            co_await sleep(1ms);
            b = r.spawn(never);
            co_await yield(); // b's task is made now, or is made while the tasks are being cancelled
        }(*remote, running, fresh));
        CHECK(running.wait_for(0s) == std::future_status::ready);
        CHECK_THROWS_AS(running.get(), CancelledError);
        pending = remote->spawn([]() -> Task<int> { co_return 1; });
    }
    CHECK(fresh.wait_for(0s) == std::future_status::ready);
    CHECK_THROWS_AS(fresh.get(), CancelledError);
    CHECK(pending.wait_for(0s) == std::future_status::ready);
    CHECK_THROWS_AS(pending.get(), CancelledError);
}

TEST_CASE("Remote: spawn after the loop's end, or without room, is refused with an error in the future") {
    std::optional<Remote> remote;
    bool moved = false;
    struct Watched {
        bool* moved;
        Watched(bool& m) : moved{&m} {}
        Watched(Watched&& other) noexcept : moved{other.moved} { *moved = true; }
        Task<int> operator()() const { co_return 1; }
    };
    {
        VirtualTimePort port;
        Loop loop{port};
        remote.emplace(loop, 1);
        CHECK(remote->call([] {}));
        auto full = remote->spawn(Watched{moved});
        CHECK_THROWS_WITH(full.get(),
                          "rouse: Remote::spawn: too many calls are waiting; wait for room with "
                          "spawn(make_task, block)");
        auto late = remote->spawn(Watched{moved}, 1ms);
        CHECK_THROWS_AS(late.get(), RemoteRefused);
    }
    auto ended = remote->spawn(Watched{moved});
    CHECK_THROWS_WITH(ended.get(), "rouse: Remote::spawn: the loop has ended");
    auto blocking = remote->spawn(Watched{moved}, block);
    try {
        blocking.get();
        CHECK(false);
    } catch (const RemoteRefused& error) {
        CHECK(error.loop_ended());
    }
    CHECK_FALSE(moved);
}

TEST_CASE("Remote: no future waits for ever while threads spawn and the loop ends") {
    for (int round = 0; round < 50; ++round) {
        std::vector<std::thread> threads;
        std::atomic<int> answers{0};
        Gate gate; // outlives the threads
        {
            DefaultPort port;
            Loop loop{port};
            Remote remote{loop};
            for (int i = 0; i < 3; ++i) {
                threads.emplace_back([remote, &answers, &gate]() mutable {
                    for (int k = 0; k < 20; ++k) {
                        if (k == 5) gate.pass();
                        try {
                            answers += remote
                                           .spawn([]() -> Task<int> {
                                               co_await yield();
                                               co_return 1;
                                           })
                                           .get();
                        } catch (const CancelledError&) {
                            ++answers;
                        } catch (const RemoteRefused&) {
                            ++answers;
                        }
                    }
                });
            }
            loop.run([](Gate& g) -> Task<> {
                while (g.reached() < 3) co_await sleep(100us);
                g.open();
                co_await yield();
            }(gate));
            // here the threads go on while the loop ends
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(answers == 60);
    }
}

#endif
