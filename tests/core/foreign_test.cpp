#include <rouse/core/foreign.hpp>

#include <coroutine>
#include <string>
#include <utility>

#include <rouse/debug/task_list.hpp>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

#if ROUSE_HOSTED
#include <atomic>
#include <thread>
#endif

using namespace test;

namespace {

// An operation of a library that knows nothing of rouse: it keeps a handle, and whoever ends it resumes that.
struct Operation {
    std::coroutine_handle<> waiting{};
    int result = 0;
    int awaited = 0;

    struct Awaiter {
        Operation& operation;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) noexcept { operation.waiting = handle; }
        int await_resume() noexcept {
            ++operation.awaited;
            return operation.result;
        }
    };
    Awaiter operator co_await() noexcept { return {*this}; }

    void complete(int value) {
        result = value;
        std::exchange(waiting, nullptr).resume();
    }
    void abandon() { std::exchange(waiting, nullptr).destroy(); }
};

// Does what it is told to do with the handle inside await_suspend.
enum class Inside { is_ready, resumes, returns_false, returns_true, returns_it, destroys };
template <Inside inside>
struct AtOnce {
    bool await_ready() const noexcept { return inside == Inside::is_ready; }
    auto await_suspend(std::coroutine_handle<> handle) const {
        if constexpr (inside == Inside::resumes) handle.resume();
        if constexpr (inside == Inside::destroys) handle.destroy();
        if constexpr (inside == Inside::returns_it) return handle;
        if constexpr (inside == Inside::returns_false) return false;
        if constexpr (inside == Inside::returns_true) return handle.resume(), true;
    }
    int await_resume() const noexcept { return 7; }
};

// A coroutine type of another library, which starts when it is awaited.
class Lazy {
public:
    struct promise_type {
        std::coroutine_handle<> continuation{};
        int value = 0;
#if ROUSE_EXCEPTIONS
        std::exception_ptr error{};
#endif
        Lazy get_return_object() { return Lazy{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        struct Final {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> frame) const noexcept {
                return frame.promise().continuation;
            }
            void await_resume() const noexcept {}
        };
        Final final_suspend() const noexcept { return {}; }
        void return_value(int result) noexcept { value = result; }
        void unhandled_exception() noexcept {
#if ROUSE_EXCEPTIONS
            error = std::current_exception();
#endif
        }
    };

    Lazy(Lazy&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
    Lazy& operator=(Lazy&&) = delete;
    ~Lazy() {
        if (frame_) frame_.destroy();
    }
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> continuation) noexcept {
        frame_.promise().continuation = continuation;
        return frame_;
    }
    int await_resume() {
#if ROUSE_EXCEPTIONS
        if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
#endif
        return frame_.promise().value;
    }

private:
    explicit Lazy(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}
    std::coroutine_handle<promise_type> frame_;
};

Task<int> awaits(Operation& operation, Log& log) {
    Mark ended{log, "ended"};
    const int value = co_await foreign(operation);
    log(value);
    co_return value;
}

} // namespace

TEST_CASE("a task awaits an operation that knows nothing of rouse, and continues in a later step") {
    Operation operation;
    Log log;
    VirtualTimePort port;
    Loop loop{port};
    auto task = loop.create_task(awaits(operation, log));
    loop.poll();
    REQUIRE(operation.waiting);
    CHECK(!operation.waiting.done());
    operation.complete(3);
    CHECK(log == ""); // resuming the handle does not run the task
    loop.poll();
    CHECK(log == "3 ended");
    CHECK(task.done());
}

TEST_CASE("a foreign operation can end while another task of the loop runs") {
    run_virtual([]() -> Task<> {
        Operation operation;
        Log log;
        auto task = create_task(awaits(operation, log));
        co_await yield();
        operation.complete(5);
        log("completed");
        const auto value = co_await task;
        CHECK(value == 5);
        CHECK(log == "completed 5 ended");
    }());
}

TEST_CASE("a foreign awaiter may be ready, resume inside await_suspend, or decide not to suspend") {
    run_virtual([]() -> Task<> {
        const auto ready = co_await foreign(AtOnce<Inside::is_ready>{});
        CHECK(ready == 7);
        const auto resumed = co_await foreign(AtOnce<Inside::resumes>{});
        CHECK(resumed == 7);
        const auto returned_true = co_await foreign(AtOnce<Inside::returns_true>{});
        CHECK(returned_true == 7);
        const auto returned_false = co_await foreign(AtOnce<Inside::returns_false>{});
        CHECK(returned_false == 7);
        const auto returned_it = co_await foreign(AtOnce<Inside::returns_it>{});
        CHECK(returned_it == 7);
        AtOnce<Inside::resumes> named;
        const auto by_name = co_await foreign(named);
        CHECK(by_name == 7);
    }());
}

TEST_CASE("a task that never has to wait for foreign awaiters lets the others run") {
    const auto waits = []<Inside inside>(AtOnce<inside> operation) {
        return run_virtual([](AtOnce<inside> ready) -> Task<bool> {
            bool ran = false;
            auto other = create_task([](bool& flag) -> Task<> {
                flag = true;
                co_return;
            }(ran));
            for (int i = 0; i < 100'000 && !ran; ++i) co_await foreign(ready);
            co_return ran;
        }(operation));
    };
    CHECK(waits(AtOnce<Inside::is_ready>{}));
    CHECK(waits(AtOnce<Inside::returns_false>{}));
    CHECK(waits(AtOnce<Inside::resumes>{}));
}

TEST_CASE("a foreign awaiter that destroys the handle inside await_suspend ends the wait") {
    run_virtual([]() -> Task<> {
        auto task = create_task([]() -> Task<> { co_await foreign(AtOnce<Inside::destroys>{}); }());
        const auto outcome = co_await task.outcome();
#if ROUSE_EXCEPTIONS
        CHECK_THROWS_AS(std::rethrow_exception(outcome.error()), AbandonedError);
#else
        CHECK(outcome.cancelled());
#endif
    }());
}

TEST_CASE("an operation that is destroyed and not resumed ends the wait") {
    run_virtual([]() -> Task<> {
        Operation operation;
        Log log;
        auto task = create_task(awaits(operation, log));
        co_await yield();
        operation.abandon();
        CHECK(log == "");
        const auto outcome = co_await task.outcome();
#if ROUSE_EXCEPTIONS
        CHECK_THROWS_WITH(std::rethrow_exception(outcome.error()), "rouse: the awaited operation was abandoned");
#else
        CHECK(outcome.cancelled());
#endif
        CHECK(log == "ended");
        CHECK(operation.awaited == 0);
    }());
}

TEST_CASE("a cancellation is delivered when the foreign operation ends, and its result is dropped") {
    run_virtual([]() -> Task<> {
        Operation operation;
        Log log;
        auto task = create_task(awaits(operation, log));
        co_await yield();
        CHECK(task.cancel());
        CHECK(task.cancel());
        co_await sleep(1s);
        CHECK(log == "");
        operation.complete(1);
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK(log == "ended");
        CHECK(operation.awaited == 0);
    }());
}

TEST_CASE("a cancellation wins over the end of a foreign operation until the task resumes") {
    run_virtual([]() -> Task<> {
        Operation operation;
        Log log;
        auto task = create_task(awaits(operation, log));
        co_await yield();
        operation.complete(1);
        CHECK(task.cancel());
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK(log == "ended");
    }());
}

TEST_CASE("a timeout is delivered when the foreign operation ends") {
    run_virtual([]() -> Task<> {
        Operation operation;
        auto late = create_task([](Operation& from) -> Task<> {
            co_await sleep(5s);
            from.complete(1);
        }(operation));
        const auto begin = Clock::now();
        const auto late_outcome = co_await try_wait_for(foreign(operation), 1s);
        CHECK(late_outcome.timed_out());
        CHECK(Clock::now() - begin == 5s);

        auto in_time = create_task([](Operation& from) -> Task<> {
            co_await sleep(1s);
            from.complete(2);
        }(operation));
        const auto outcome = co_await try_wait_for(foreign(operation), 5s);
        CHECK(outcome.value() == 2);
        CHECK(Clock::now() - begin == 6s);
    }());
}

TEST_CASE("a foreign operation that loses a select has ended when select returns") {
    run_virtual([]() -> Task<> {
        Operation operation;
        auto late = create_task([](Operation& from) -> Task<> {
            co_await sleep(5s);
            from.complete(1);
        }(operation));
        const auto begin = Clock::now();
        const auto winner = co_await select(foreign(operation), sleep(1s));
        CHECK(winner.index() == 1);
        CHECK(Clock::now() - begin == 5s);
        const auto first = co_await select(sleep(1s), foreign(AtOnce<Inside::resumes>{}));
        CHECK(std::get<1>(first) == 7);
    }());
}

TEST_CASE("gather and TaskGroup take foreign awaitables") {
    run_virtual([]() -> Task<> {
        Operation operation;
        auto other = create_task([](Operation& from) -> Task<> {
            co_await sleep(1s);
            from.complete(1);
        }(operation));
        const auto [a, b] = co_await gather(foreign(operation), foreign(AtOnce<Inside::resumes>{}));
        CHECK(a == 1);
        CHECK(b == 7);
    }());
}

TEST_CASE("a loop that ends with a foreign operation's end in its inbox takes it in first") {
    Operation operation;
    Log log;
    {
        VirtualTimePort port;
        Loop loop{port};
        loop.create_task(awaits(operation, log));
        loop.poll();
        operation.complete(1);
        CHECK(log == "");
    }
    CHECK(log == "ended");
    CHECK(operation.awaited == 0);
}

TEST_CASE("a foreign coroutine may await rouse's objects inside the task") {
    run_virtual([]() -> Task<> {
        const auto lazy = [](int value) -> Lazy {
            co_await sleep(1s);
            co_await yield();
            co_return value + co_await returns_after(1, 1s) + co_await foreign(AtOnce<Inside::resumes>{});
        };
        const auto suspended = co_await foreign(lazy(10));
        CHECK(suspended == 18);
        const auto ends_at_once = [](int value) -> Lazy { co_return value; };
        const auto ended = co_await foreign(ends_at_once(4));
        CHECK(ended == 4);
        const auto child = [&]() -> Task<int> { co_return co_await foreign(lazy(20)) + 1; };
        const auto of_child = co_await child();
        CHECK(of_child == 29);
        const auto outcome = co_await try_wait_for(foreign(lazy(0)), 500ms);
        CHECK(outcome.timed_out());
    }());
}

TEST_CASE("a foreign awaiter may contain one of rouse's") {
    run_virtual([]() -> Task<> {
        struct Counted {
            decltype(std::declval<Event&>().wait()) inner;
            bool await_ready() { return inner.await_ready(); }
            auto await_suspend(std::coroutine_handle<> handle) { return inner.await_suspend(handle); }
            int await_resume() {
                inner.await_resume();
                return 6;
            }
        };
        Event event;
        auto setter = create_task([](Event& set) -> Task<> {
            co_await sleep(1s);
            set.set();
        }(event));
        Counted counted{event.wait()};
        const auto value = co_await foreign(counted);
        CHECK(value == 6);
    }());
}

TEST_CASE("a task cancelled inside a foreign coroutine is cancelled there") {
    run_virtual([]() -> Task<> {
        Log log;
        auto task = create_task([](Log& to) -> Task<> {
            Mark outer{to, "outer"};
            const auto lazy = [](Log& inside) -> Lazy {
                Mark inner{inside, "inner"};
                co_await sleep(1h);
                co_return 1;
            };
            co_await foreign(lazy(to));
        }(log));
        co_await yield();
        task.cancel();
        const auto outcome = co_await task.outcome();
        CHECK(outcome.cancelled());
        CHECK(log == "inner outer");
    }());
}

#if ROUSE_EXCEPTIONS
TEST_CASE("what a foreign awaiter throws is thrown at the co_await") {
    struct Throws {
        int where;
        static void if_equal(int a, int b) {
            if (a == b) throw a;
        }
        bool await_ready() const { return if_equal(where, 1), false; }
        void await_suspend(std::coroutine_handle<> handle) const {
            if_equal(where, 2);
            handle.resume();
        }
        void await_resume() const { if_equal(where, 3); }
    };
    run_virtual([]() -> Task<> {
        for (int where = 1; where <= 3; ++where) {
            int thrown = 0;
            try {
                co_await foreign(Throws{where});
            } catch (int n) {
                thrown = n;
            }
            CHECK(thrown == where);
        }
        co_await foreign(Throws{4});
    }());
}
#endif

TEST_CASE("the task list says that a task waits for a foreign awaitable") {
    Operation operation;
    Log log;
    VirtualTimePort port;
    Loop loop{port};
    loop.create_task(awaits(operation, log));
    loop.poll();
    std::string waits;
    for_each_task(loop, [&](const TaskInfo& task) { waits = task.waits; });
    CHECK(waits == "waits for an awaitable that is not rouse's");
    operation.complete(1);
    loop.poll();
}

TEST_CASE("awaiting a foreign operation outside of a task is a misuse, and does not start it") {
    Operation operation;
    VirtualTimePort port;
    Loop loop{port};
    auto begin = [&] {
        auto awaiter = foreign(operation).operator co_await();
        awaiter.await_suspend({});
    };
    CHECK(contains(misuse_of(begin), "not in a task"));
    CHECK(!operation.waiting);
}

#if ROUSE_HOSTED
namespace {

// Resumed or destroyed by a thread that is started in await_suspend.
struct OnThread {
    std::thread& thread;
    bool abandons = false;
    int value = 0; // written by the thread, not atomic

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        thread = std::thread{[this, handle] {
            value = 42;
            if (abandons) {
                handle.destroy();
            } else {
                handle.resume();
            }
        }};
    }
    int await_resume() const noexcept { return value; }
};

} // namespace

TEST_CASE("a foreign operation that a thread resumes at once continues on the loop") {
    run([]() -> Task<> {
        const auto here = std::this_thread::get_id();
        for (int i = 0; i < 200; ++i) {
            std::thread thread;
            const int value = co_await foreign(OnThread{thread});
            thread.join();
            REQUIRE(value == 42);
            REQUIRE(std::this_thread::get_id() == here);
        }
    }());
}

TEST_CASE("a foreign operation that a thread abandons ends the wait") {
    run([]() -> Task<> {
        for (int i = 0; i < 100; ++i) {
            std::thread thread;
            auto task =
                create_task([](std::thread& t) -> Task<int> { co_return co_await foreign(OnThread{t, true}); }(thread));
            const auto outcome = co_await task.outcome();
            thread.join();
#if ROUSE_EXCEPTIONS
            REQUIRE_THROWS_AS(std::rethrow_exception(outcome.error()), AbandonedError);
#else
            REQUIRE(outcome.cancelled());
#endif
        }
    }());
}

TEST_CASE("a loop that ends while a thread has the handle waits for it") {
    for (int i = 0; i < 100; ++i) {
        std::thread thread;
        {
            DefaultPort port;
            Loop loop{port};
            loop.create_task([](std::thread& t) -> Task<> { co_await foreign(OnThread{t}); }(thread));
            loop.poll();
        }
        thread.join();
    }
    SUCCEED();
}

TEST_CASE("several threads resume the operations of many tasks") {
    run([]() -> Task<> {
        struct Mailbox { // of one thread, which resumes what it is given
            std::atomic<void*> handle{nullptr};
            struct Awaiter {
                Mailbox& box;
                bool await_ready() const noexcept { return false; }
                void await_suspend(std::coroutine_handle<> h) const noexcept {
                    box.handle.store(h.address(), std::memory_order_release);
                    box.handle.notify_one();
                }
                void await_resume() const noexcept {}
            };
            Awaiter operator co_await() noexcept { return {*this}; }
        };
        constexpr int threads = 4;
        constexpr int rounds = 500;
        Mailbox boxes[threads];
        std::thread running[threads];
        int counted[threads] = {};
        for (int i = 0; i < threads; ++i) {
            running[i] = std::thread{[&box = boxes[i]] {
                for (int round = 0; round < rounds; ++round) {
                    box.handle.wait(nullptr);
                    std::coroutine_handle<>::from_address(box.handle.exchange(nullptr)).resume();
                }
            }};
        }
        co_await TaskGroup::run([&](TaskGroup& group) -> Task<> {
            for (int i = 0; i < threads; ++i) {
                group.create_task([](Mailbox& box, int& count) -> Task<> {
                    for (int round = 0; round < rounds; ++round) {
                        co_await foreign(box);
                        ++count;
                    }
                }(boxes[i], counted[i]));
            }
            co_return;
        });
        for (auto& each : running) each.join();
        for (const int count : counted) CHECK(count == rounds);
    }());
}
#endif

#if !ROUSE_EXCEPTIONS // misuse_of sees a panic only there
TEST_CASE("awaiting what is not rouse's without foreign is a panic that names the remedy") {
    const auto unwrapped = [] {
        Operation operation;
        run_virtual([](Operation& theirs) -> Task<> { co_await theirs; }(operation));
    };
    CHECK(contains(misuse_of(unwrapped), "is not rouse's and cannot be resumed; co_await foreign(awaitable)"));
}
#endif
