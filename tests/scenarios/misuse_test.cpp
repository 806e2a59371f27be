// Misuse is reported at once; and calls from another thread of what is for the tasks of one loop, and two contexts at
// one end, are detected (ROUSE_CHECKED).
#include <rouse/rouse.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/misuse.hpp"
#include "support/run.hpp"

#if ROUSE_HOSTED
#include <atomic>
#include <thread>
#include <tuple>
#include <utility>
#endif

using namespace test;

#if ROUSE_HOSTED && ROUSE_EXCEPTIONS
TEST_CASE("a misuse in a task whose handle is kept is reported at once, and once") {
    auto main = []() -> Task<std::string> {
        const StderrKeeper kept;
        auto misuses = []() -> Task<> {
            Lock lock;
            lock.release();
            co_return;
        };
        auto handle = create_task(misuses());
        co_await yield();
        std::string text = kept.text();
        const bool failed = handle.done() && !handle.cancelled();
        const auto outcome = co_await handle.outcome();
        // Looking at it later does not report it again.
        co_return failed&& outcome.error() != nullptr&& kept.text() == text ? text : "it did not fail, or not once";
    };
    CHECK(run_virtual(main()) == "rouse: Lock::release: the lock is not held\n");
}

TEST_CASE("a misuse is reported before anything is unwound") {
    struct Looks {
        const StderrKeeper& kept;
        std::string& text;
        ~Looks() { text = kept.text(); }
    };
    std::string text;
    {
        const StderrKeeper kept;
        try {
            const Looks looks{kept, text};
            BoundedSemaphore{0}.release();
        } catch (const UsageError&) {
        }
    }
    CHECK(contains(text, "BoundedSemaphore::release"));
}
#endif

#if ROUSE_HOSTED

namespace {

template <class F>
void on_another_thread(F f) {
    std::thread{std::move(f)}.join();
}

// What is told when an object in which a task of `wait` waits is destroyed on another thread.
template <class Object, class Wait>
std::string destroyed_elsewhere(std::unique_ptr<Object> object, Wait wait) {
    return panic_of([&] {
        auto main = [&]() -> Task<> {
            auto task = create_task(wait(*object));
            co_await yield();
            on_another_thread([&] { object = nullptr; });
            task.cancel();
        };
        run(main());
    });
}

// Whether it may be destroyed on another thread once the task has been cancelled.
template <class Object, class Wait>
bool destroyed_later(std::unique_ptr<Object> object, Wait wait) {
    auto main = [&]() -> Task<> {
        auto task = create_task(wait(*object));
        co_await yield();
        task.cancel();
        std::ignore = co_await task.outcome();
        on_another_thread([&] { object = nullptr; });
    };
    run(main());
    return object == nullptr;
}

} // namespace

TEST_CASE("an object of threadsafe/ in which a task waits must not be destroyed on another thread") {
    const auto flag = [](ThreadSafeFlag& f) -> Task<> { co_await f.wait(); };
    const auto event = [](ThreadSafeEvent& e) -> Task<> { co_await e.wait(); };
    const auto get = [](ThreadSafeQueue<int, 1>& q) -> Task<> { std::ignore = co_await q.get(); };
    const auto put = [](ThreadSafeQueue<int, 1>& q) -> Task<> {
        for (;;) std::ignore = co_await q.put(1);
    };
    const auto message_wait = [](Message<int>& m) -> Task<> { std::ignore = co_await m.wait(); };
    const auto message_next = [](Message<int>& m) -> Task<> { std::ignore = co_await m.next(); };
    const auto latest = [](Latest<int>& l) -> Task<> { std::ignore = co_await l.next(); };
    const auto read = [](RingIO<4>& io) -> Task<> {
        char bytes[4];
        std::ignore = co_await io.read(bytes);
    };
    const auto write = [](RingIO<4>& io) -> Task<> { std::ignore = co_await io.write("more than four"); };
    const auto drain = [](RingIO<4>& io) -> Task<> {
        std::ignore = co_await io.write("x");
        co_await io.drain();
    };
    const auto delay = [](Delay& d) -> Task<> { co_await d.wait(); };
    const auto delay_running = [](Delay& d) -> Task<> {
        d.trigger();
        co_await d.wait();
    };
    CHECK(contains(destroyed_elsewhere(std::make_unique<ThreadSafeFlag>(), flag), "rouse: ~ThreadSafeFlag"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<ThreadSafeEvent>(), event), "rouse: ~ThreadSafeEvent"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<ThreadSafeQueue<int, 1>>(), get), "rouse: ~ThreadSafeQueue"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<ThreadSafeQueue<int, 1>>(), put), "rouse: ~ThreadSafeQueue"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Message<int>>(), message_wait), "in a Message"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Message<int>>(), message_next), "in a Message"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Latest<int>>(), latest), "in a Latest"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<RingIO<4>>(), read), "a RingIO"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<RingIO<4>>(), write), "rouse: ~ThreadSafeQueue"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<RingIO<4>>(), drain), "a RingIO"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Delay>(1h), delay), "rouse: ~Delay"));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Delay>(1h), delay_running), "rouse: ~Delay"));
    // Once no task waits, it may.
    CHECK(destroyed_later(std::make_unique<ThreadSafeFlag>(), flag));
    CHECK(destroyed_later(std::make_unique<ThreadSafeEvent>(), event));
    CHECK(destroyed_later(std::make_unique<ThreadSafeQueue<int, 1>>(), get));
    CHECK(destroyed_later(std::make_unique<ThreadSafeQueue<int, 1>>(), put));
    CHECK(destroyed_later(std::make_unique<Message<int>>(), message_wait));
    CHECK(destroyed_later(std::make_unique<Latest<int>>(), latest));
    CHECK(destroyed_later(std::make_unique<RingIO<4>>(), write));
    CHECK(destroyed_later(std::make_unique<RingIO<4>>(), drain));
    CHECK(destroyed_later(std::make_unique<Delay>(1h), delay_running));
}

#endif

#if ROUSE_HOSTED && !defined(NDEBUG)

namespace {

template <class F>
std::string misuse_elsewhere(F f) {
    std::string message;
    on_another_thread([&] { message = misuse_of(f); });
    return message;
}

// Whether the message names the function, the rule and a remedy.
bool names(const std::string& message, const std::string& function) {
    return message.find("rouse: " + function + ": ") == 0 && contains(message, "another thread") &&
           contains(message, "; ");
}

struct Call {
    const char* function;
    std::function<void()> call;
};

// What is told for the calls that do not name the function that was called, or not the rule and the remedy.
std::string wrongly_told(const std::vector<Call>& calls) {
    std::string wrong;
    for (const Call& each : calls) {
        for (const bool with_a_loop : {false, true}) {
            const auto message = misuse_elsewhere([&] {
                auto in_a_task = [&]() -> Task<> {
                    each.call();
                    co_return;
                };
                with_a_loop ? run(in_a_task()) : each.call();
            });
            if (!names(message, each.function)) wrong += std::string{each.function} + " tells: " + message + "\n";
        }
    }
    return wrong;
}

// The same for what is awaited, by a task of a loop of another thread.
struct Await {
    const char* function;
    std::function<Task<>()> task;
};
std::string wrongly_told(const std::vector<Await>& awaits) {
    std::string wrong;
    for (const Await& each : awaits) {
        const auto message = misuse_elsewhere([&] { run(each.task()); });
        if (!names(message, each.function)) wrong += std::string{each.function} + " tells: " + message + "\n";
    }
    return wrong;
}

} // namespace

TEST_CASE("checked: every function of an object of sync/ refuses another thread than that of its loop") {
    Event event;
    Lock lock;
    Semaphore semaphore{2};
    BoundedSemaphore bounded{2};
    Condition condition;
    Barrier barrier{2};
    Queue<int> queue;
    std::string wrong;
    auto main = [&]() -> Task<> {
        // A task uses each of them, and none is in use when the other thread calls.
        event.clear();
        {
            auto guard = co_await lock.scoped();
            auto permit = co_await semaphore.scoped();
            auto bounded_permit = co_await bounded.scoped();
            auto condition_guard = co_await condition.scoped();
            std::ignore = queue.put_nowait(1);
            barrier.reset();
        }
        const std::vector<Call> calls{
            {"Event::set", [&] { event.set(); }},
            {"Event::clear", [&] { event.clear(); }},
            {"Event::is_set", [&] { std::ignore = event.is_set(); }},
            {"Lock::release", [&] { lock.release(); }},
            {"Lock::locked", [&] { std::ignore = lock.locked(); }},
            {"Semaphore::release", [&] { semaphore.release(); }},
            {"Semaphore::locked", [&] { std::ignore = semaphore.locked(); }},
            {"BoundedSemaphore::release", [&] { bounded.release(); }},
            {"Condition::notify", [&] { condition.notify(); }},
            {"Condition::notify_all", [&] { condition.notify_all(); }},
            {"Condition::release", [&] { condition.release(); }},
            {"Barrier::reset", [&] { barrier.reset(); }},
            {"Barrier::abort", [&] { barrier.abort(); }},
            {"Barrier::n_waiting", [&] { std::ignore = barrier.n_waiting(); }},
            {"Barrier::broken", [&] { std::ignore = barrier.broken(); }},
            {"Queue::put_nowait", [&] { std::ignore = queue.put_nowait(2); }},
            {"Queue::get_nowait", [&] { std::ignore = queue.get_nowait(); }},
            {"Queue::qsize", [&] { std::ignore = queue.size(); }},
            {"Queue::join", [&] { std::ignore = queue.join(); }},
            {"Queue::task_done", [&] { queue.task_done(); }},
            {"Queue::close", [&] { queue.close(); }},
            {"Queue::closed", [&] { std::ignore = queue.closed(); }},
        };
        wrong = wrongly_told(calls);
        const std::vector<Await> awaits{
            {"Event::wait", [&]() -> Task<> { co_await event.wait(); }},
            {"Lock::acquire", [&]() -> Task<> { co_await lock.acquire(); }},
            {"Lock::acquire", [&]() -> Task<> { const auto guard = co_await lock.scoped(); }},
            {"Semaphore::acquire", [&]() -> Task<> { co_await semaphore.acquire(); }},
            {"Condition::wait", [&]() -> Task<> { co_await condition.wait(); }},
            {"Barrier::wait", [&]() -> Task<> { co_await barrier.wait(); }},
            {"Barrier::wait", [&]() -> Task<> { std::ignore = co_await barrier.wait_outcome(); }},
            {"Queue::put", [&]() -> Task<> { std::ignore = co_await queue.put(2); }},
            {"Queue::get", [&]() -> Task<> { std::ignore = co_await queue.get(); }},
            {"Queue::get", [&]() -> Task<> { std::ignore = co_await queue.next(); }},
        };
        wrong += wrongly_told(awaits);
        // Nothing has changed.
        const auto item = queue.get_nowait();
        const bool unchanged = item == 1 && !event.is_set() && !lock.locked() && !barrier.broken();
        if (!unchanged) wrong += "something has changed";
        co_return;
    };
    run(main());
    CHECK(wrong == "");
}

TEST_CASE("checked: a call from another thread does not wake the waiting task, which the loop then wakes") {
    Event event;
    std::string message;
    bool woken_early = true;
    auto waits = [&]() -> Task<> { co_await event.wait(); };
    auto main = [&]() -> Task<> {
        auto handle = create_task(waits());
        co_await yield();
        message = misuse_elsewhere([&] { event.set(); });
        co_await yield();
        woken_early = handle.done();
        event.set();
        co_await handle;
    };
    run(main());
    CHECK(names(message, "Event::set"));
    CHECK(!woken_early);
}

TEST_CASE("checked: the loop-side functions of the objects of threadsafe/ refuse another thread") {
    Delay delay{1h};
    ThreadSafeEvent event;
    Message<int> message;
    std::string wrong;
    auto waits = [&]() -> Task<> { co_await event.wait(); };
    auto main = [&]() -> Task<> {
        delay.trigger();
        std::ignore = message.value();
        auto waiting = create_task(waits());
        co_await yield();
        const std::vector<Call> calls{
            {"Delay::trigger", [&] { delay.trigger(1s); }},
            {"Delay::trigger", [&] { delay.trigger(); }},
            {"Delay::stop", [&] { delay.stop(); }},
            {"Delay::running", [&] { std::ignore = delay.running(); }},
            {"ThreadSafeEvent::clear", [&] { event.clear(); }},
            {"Message::clear", [&] { message.clear(); }},
            {"Message::value", [&] { std::ignore = message.value(); }},
        };
        wrong = wrongly_told(calls);
        const std::vector<Await> awaits{
            {"Delay::wait", [&]() -> Task<> { co_await delay.wait(); }},
            {"Message::wait", [&]() -> Task<> { std::ignore = co_await message.wait(); }},
            {"Message::next", [&]() -> Task<> { std::ignore = co_await message.next(); }},
        };
        wrong += wrongly_told(awaits);
        if (!delay.running()) wrong += "it has changed";
        // What may be called from there still may.
        on_another_thread([&] {
            event.set();
            if (!message.set(1)) wrong += "refused";
        });
        co_await waiting;
    };
    run(main());
    CHECK(wrong == "");
}

TEST_CASE("checked: every function of a Loop refuses another thread") {
    DefaultPort port;
    Loop loop{port};
    auto nothing = []() -> Task<> { co_return; };
    const std::vector<Call> calls{
        {"Loop::run", [&] { loop.run(nothing()); }},
        {"Loop::run_until_complete", [&] { loop.run_until_complete(nothing()); }},
        {"Loop::run_until_complete", [&] { loop.run_until_complete(TaskHandle<>{}); }},
        {"Loop::run_forever", [&] { loop.run_forever(); }},
        {"Loop::create_task", [&] { loop.create_task(nothing()); }},
        {"Loop::create_task", [&] { loop.create_task(nothing(), "name"); }},
        {"Loop::stop", [&] { loop.stop(); }},
        {"Loop::poll", [&] { loop.poll(); }},
        {"Loop::next_deadline", [&] { std::ignore = loop.next_deadline(); }},
        {"Loop::set_busy_poll", [&] { loop.set_busy_poll(1ms); }},
        {"Loop::running", [&] { std::ignore = loop.running(); }},
        {"Loop::live_tasks", [&] { std::ignore = loop.live_tasks(); }},
#if ROUSE_EXCEPTIONS
        {"Loop::set_exception_handler",
         [&] { loop.set_exception_handler([](std::string_view, std::exception_ptr) {}); }},
#endif
    };
    CHECK(wrongly_told(calls) == "");
    CHECK(loop.live_tasks() == 0);
}

TEST_CASE("checked: a TaskHandle refuses another thread as long as its loop exists") {
    std::string wrong, copied, dropped;
    auto works = []() -> Task<int> {
        co_await yield();
        co_return 42;
    };
    TaskHandle<int> outlives;
    auto main = [&]() -> Task<> {
        auto handle = create_task(works());
        for (const bool ended : {false, true}) {
            if (ended) std::ignore = co_await handle;
            const std::vector<Call> calls{
                {"TaskHandle::cancel", [&] { handle.cancel(); }},
                {"TaskHandle::done", [&] { std::ignore = handle.done(); }},
                {"TaskHandle::cancelled", [&] { std::ignore = handle.cancelled(); }},
                {"TaskHandle::result", [&] { std::ignore = handle.result(); }},
            };
            wrong += wrongly_told(calls);
        }
        copied = panic_of([&] { on_another_thread([&] { const auto copy = handle; }); });
        dropped = panic_of([&] { on_another_thread([moved = std::move(handle)]() mutable { moved = {}; }); });
        outlives = handle;
    };
    run(main());
    CHECK(wrong == "");
    CHECK(contains(copied, "rouse: TaskHandle: copied or dropped on another thread"));
    CHECK(contains(dropped, "rouse: TaskHandle: copied or dropped on another thread"));
    int result = 0;
    on_another_thread([&] {
        const auto copy = outlives;
        result = copy.result();
        outlives = {};
    });
    CHECK(result == 42);
}

TEST_CASE("checked: an object in which tasks wait must not be destroyed on another thread") {
    CHECK(contains(destroyed_elsewhere(std::make_unique<Event>(), [](Event& e) -> Task<> { co_await e.wait(); }),
                   "rouse: ~Event: tasks of a loop of another thread wait; destroy it on that thread"));
    CHECK(contains(
        destroyed_elsewhere(std::make_unique<Semaphore>(0U), [](Semaphore& s) -> Task<> { co_await s.acquire(); }),
        "rouse: ~Semaphore: "));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Lock>(),
                                       [](Lock& lock) -> Task<> {
                                           co_await lock.acquire();
                                           co_await lock.acquire();
                                       }),
                   "rouse: ~Lock: "));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Condition>(),
                                       [](Condition& c) -> Task<> {
                                           co_await c.acquire();
                                           co_await c.wait();
                                       }),
                   "rouse: ~Condition: "));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Barrier>(2U), [](Barrier& b) -> Task<> { co_await b.wait(); }),
                   "rouse: ~Barrier: "));
    CHECK(contains(destroyed_elsewhere(std::make_unique<Queue<int>>(),
                                       [](Queue<int>& q) -> Task<> { std::ignore = co_await q.get(); }),
                   "rouse: ~Queue: "));
}

TEST_CASE("checked: a Guard must not be released on another thread") {
    const auto told = panic_of([] {
        Lock lock;
        auto main = [&]() -> Task<> {
            auto guard = co_await lock.scoped();
            on_another_thread([&] { guard.release(); });
        };
        run(main());
    });
    CHECK(contains(told, "rouse: Guard: released on another thread"));
}

TEST_CASE("checked: what is prepared, passed on or kept in the right order is no misuse") {
    // Prepared by a thread that has no loop.
    auto event = std::make_unique<Event>();
    event->set();
    Queue<int> queue;
    REQUIRE(queue.put_nowait(1));
    auto uses = [&]() -> Task<> {
        co_await event->wait();
        std::ignore = co_await queue.get();
        std::ignore = queue.put_nowait(1);
    };
    // Then for the loops of several threads, one after the other.
    on_another_thread([&] { run(uses()); });
    run(uses());
    on_another_thread([&] { run(uses()); });
    // For two loops of one thread, and for the code of a host between two polls.
    VirtualTimePort port_a, port_b;
    Loop a{port_a};
    a.create_task(uses());
    while (a.poll()) {
    }
    Loop b{port_b};
    b.create_task(uses());
    while (b.poll()) {
    }
    event->clear();
    event->set();
    // Without a waiting task it may be destroyed anywhere, as the last reference to it may be dropped anywhere.
    on_another_thread([&] { event = nullptr; });
    CHECK(queue.size() == 1);
}

namespace {

// A value during whose assignment a test can do something else.
struct Slow {
    std::function<void()>* meanwhile = nullptr;
    Slow() = default;
    explicit Slow(std::function<void()>& f) : meanwhile{&f} {}
    Slow(Slow&& other) noexcept : meanwhile{other.meanwhile} { act(); }
    Slow& operator=(Slow&& other) noexcept {
        meanwhile = other.meanwhile;
        act();
        return *this;
    }

private:
    void act() {
        if (meanwhile != nullptr && *meanwhile) std::exchange(*meanwhile, nullptr)();
    }
};

} // namespace

TEST_CASE("checked: a second context at the same end of a ThreadSafeQueue is refused, and nothing is lost") {
    ThreadSafeQueue<Slow, 4> queue;
    std::string second_put, second_get;
    std::function<void()> puts = [&] { second_put = misuse_elsewhere([&] { std::ignore = queue.put_sync(Slow{}); }); };
    REQUIRE(queue.put_sync(Slow{puts}));
    CHECK(contains(second_put, "rouse: ThreadSafeQueue: a second producer; only one may put at a time: give"));
    CHECK(queue.size() == 1);
    std::function<void()> gets;
    REQUIRE(queue.put_sync(Slow{gets}));
    gets = [&] { second_get = misuse_elsewhere([&] { std::ignore = queue.get_sync(); }); };
    std::ignore = queue.get_sync();
    std::ignore = queue.get_sync();
    CHECK(contains(second_get, "rouse: ThreadSafeQueue: a second consumer; only one may get at a time: give"));
    // The end is free again.
    CHECK(queue.put_sync(Slow{}));
    CHECK(queue.get_sync().has_value());
    CHECK(queue.empty());
}

TEST_CASE("checked: two producers of a ThreadSafeQueue at once are detected, whatever they do") {
    // Where two threads never meet inside, there is nothing to detect; so they try until they do.
    const auto told = panic_of([] {
        ThreadSafeQueue<int, 64> queue;
        const auto produce = [&] {
            for (;;) std::ignore = queue.put_sync(1);
        };
        std::thread consumer{[&] {
            for (;;) std::ignore = queue.get_sync();
        }};
        std::thread first{[&]() noexcept { produce(); }}, second{[&]() noexcept { produce(); }};
        consumer.join();
    });
    CHECK(contains(told, "rouse: ThreadSafeQueue: a second producer"));
}

TEST_CASE("checked: two writers of a Latest or a Broadcast, and two devices of a RingIO, are detected") {
    struct Big {
        int words[1000];
    };
    CHECK(contains(panic_of([] {
                       Latest<Big> latest;
                       const auto write = [&]() noexcept {
                           for (;;) latest.publish(Big{});
                       };
                       std::thread first{write}, second{write};
                       first.join();
                   }),
                   "rouse: Latest::publish: a second writer; only one may publish at a time"));
    CHECK(contains(panic_of([] {
                       Latest<Big> latest;
                       const auto read = [&]() noexcept {
                           for (;;) std::ignore = latest.value();
                       };
                       std::thread first{read}, second{read};
                       first.join();
                   }),
                   "rouse: Latest::value: a second reader; only one may read at a time"));
    CHECK(contains(panic_of([] {
                       Broadcast<Big, 1> broadcast;
                       const auto write = [&]() noexcept {
                           for (;;) broadcast.publish(Big{});
                       };
                       std::thread first{write}, second{write};
                       first.join();
                   }),
                   "rouse: Broadcast::publish: a second writer; only one context may publish at a time"));
    CHECK(contains(panic_of([] {
                       RingIO<16> io;
                       const auto receive = [&]() noexcept {
                           for (;;) io.received('x');
                       };
                       std::thread first{receive}, second{receive};
                       first.join();
                   }),
                   "rouse: RingIO::received: called by two contexts at once"));
    CHECK(contains(panic_of([] {
                       RingIO<16> io;
                       const auto send = [&]() noexcept {
                           for (;;) std::ignore = io.next_to_send();
                       };
                       std::thread first{send}, second{send};
                       first.join();
                   }),
                   "rouse: RingIO::next_to_send: called by two contexts at once"));
}

#endif
